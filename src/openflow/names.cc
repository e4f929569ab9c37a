#include "openflow/names.h"

#include <charconv>

#include "openflow/text.h"

namespace weft::openflow {
namespace {

struct Reserved {
    uint32_t port;
    const char* name;
};
constexpr Reserved kReserved[] = {
    {kPortInPort, "IN_PORT"}, {kPortTable, "TABLE"},           {kPortNormal, "NORMAL"}, {kPortFlood, "FLOOD"},
    {kPortAll, "ALL"},        {kPortController, "CONTROLLER"}, {kPortLocal, "LOCAL"},   {kPortNone, "ANY"},
    {kPortNone, "NONE"},      {kPortUnset, "UNSET"},
};
constexpr uint32_t kAmbiguousPort = kPortUnset;
constexpr uint16_t kAmbiguousTable = 0x100;

// A name that could be taken for something else, or would end a term, is printed in quotes.
bool needs_quotes(std::string_view name) {
    if (name.empty() ||
        !((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_')) {
        return true;
    }
    for (char c : name) {
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-' || c == '.')) {
            return true;
        }
    }
    return text::equals_ignoring_case(name, "true") || text::equals_ignoring_case(name, "false");
}

void format_name(std::string_view name, std::string& out) {
    if (!needs_quotes(name)) {
        out += name;
        return;
    }
    out += '"';
    for (char c : name) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    std::string out;
    text = text.substr(1, text.size() - 2);
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '\\' && i + 1 < text.size()) i++;
        out += text[i];
    }
    return out;
}

// Ports are numbers in decimal, as Debian's ovs-ofctl has them: 0x1 would be a name.
std::optional<uint32_t> decimal(std::string_view text) {
    uint32_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(number)
                                                                                     : std::nullopt;
}

}  // namespace

void Names::add_port(uint32_t number, std::string_view name) {
    auto [by_name, new_name] = port_numbers_.try_emplace(std::string(name), number);
    if (!new_name && by_name->second != number) by_name->second = kAmbiguousPort;
    port_names_.try_emplace(number, name);
}

void Names::add_table(uint8_t number, std::string_view name) {
    auto [by_name, new_name] = table_numbers_.try_emplace(std::string(name), number);
    if (!new_name && by_name->second != number) by_name->second = kAmbiguousTable;
    table_names_.try_emplace(number, name);
}

const std::string* Names::port_name(uint32_t number) const {
    auto it = port_names_.find(number);
    if (it == port_names_.end()) return nullptr;
    auto back = port_numbers_.find(it->second);
    return back != port_numbers_.end() && back->second == kAmbiguousPort ? nullptr : &it->second;
}

const std::string* Names::table_name(uint8_t number) const {
    auto it = table_names_.find(number);
    if (it == table_names_.end()) return nullptr;
    auto back = table_numbers_.find(it->second);
    return back != table_numbers_.end() && back->second == kAmbiguousTable ? nullptr : &it->second;
}

std::optional<uint32_t> Names::port_number(std::string_view name) const {
    auto it = port_numbers_.find(unquote(name));
    if (it == port_numbers_.end() || it->second == kAmbiguousPort) return std::nullopt;
    return it->second;
}

std::optional<uint8_t> Names::table_number(std::string_view name) const {
    auto it = table_numbers_.find(unquote(name));
    if (it == table_numbers_.end() || it->second == kAmbiguousTable) return std::nullopt;
    return static_cast<uint8_t>(it->second);
}

std::optional<uint32_t> parse_port(std::string_view text, const Names* names) {
    if (auto number = decimal(text)) {
        if (*number < kPortMax10) return *number;
        if (*number <= 0xffff) return port_from_of10(static_cast<uint16_t>(*number));
        return *number >= kPortMax ? number : std::nullopt;
    }
    for (const Reserved& reserved : kReserved) {
        if (text::equals_ignoring_case(text, reserved.name)) return reserved.port;
    }
    return names ? names->port_number(text) : std::nullopt;
}

void format_port(uint32_t port, const Names* names, std::string& out) {
    for (const Reserved& reserved : kReserved) {
        if (reserved.port == port) {
            out += reserved.name;
            return;
        }
    }
    const std::string* name = names ? names->port_name(port) : nullptr;
    if (name) {
        format_name(*name, out);
    } else {
        text::append_decimal(out, port >= kPortMax ? port & 0xffff : port);
    }
}

std::optional<uint8_t> parse_table(std::string_view text, const Names* names) {
    auto number = text::parse_u64_max(text, 255);
    if (number) return static_cast<uint8_t>(*number);
    return names ? names->table_number(text) : std::nullopt;
}

void format_table(uint8_t table, const Names* names, std::string& out) {
    const std::string* name = names ? names->table_name(table) : nullptr;
    if (name) {
        format_name(*name, out);
    } else {
        text::append_decimal(out, table);
    }
}

}  // namespace weft::openflow
