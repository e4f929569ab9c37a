#include "openflow/flag_text.h"

#include "openflow/text.h"

namespace weft::openflow {
namespace {

constexpr FlagName kCtState[] = {{0x01, "new"}, {0x02, "est"}, {0x04, "rel"},  {0x08, "rpl"},
                                 {0x10, "inv"}, {0x20, "trk"}, {0x40, "snat"}, {0x80, "dnat"}};
constexpr FlagName kTcp[] = {{0x001, "fin"}, {0x002, "syn"}, {0x004, "rst"}, {0x008, "psh"}, {0x010, "ack"},
                             {0x020, "urg"}, {0x040, "ece"}, {0x080, "cwr"}, {0x100, "ns"}};
constexpr FlagName kTunnel[] = {{1, "oam"}};

const FlagName* find(std::span<const FlagName> flags, std::string_view name) {
    for (const FlagName& flag : flags) {
        if (name == flag.name) return &flag;
    }
    return nullptr;
}

}  // namespace

std::span<const FlagName> ct_state_flags() {
    return kCtState;
}
std::span<const FlagName> tcp_flags() {
    return kTcp;
}
std::span<const FlagName> tunnel_flags() {
    return kTunnel;
}

Result<void> parse_flags(std::span<const FlagName> flags, const char* field, std::string_view text,
                         uint32_t all, uint32_t& value, uint32_t& mask) {
    value = mask = 0;
    if (text.empty()) return {};
    if (text[0] >= '0' && text[0] <= '9') {
        size_t slash = text.find('/');
        auto v = text::parse_u64_max(text.substr(0, slash), 0xffffffff);
        auto m = slash == text.npos ? std::optional<uint64_t>(all)
                                    : text::parse_u64_max(text.substr(slash + 1), 0xffffffff);
        if (!v || !m) return Error{fmt::format("{}: bad syntax for {} value", text, field)};
        if ((*v | (slash == text.npos ? 0 : *m)) & ~static_cast<uint64_t>(all)) {
            return Error{
                fmt::format("{}: unknown {} bits: {:#x}", text, field, *v & ~static_cast<uint64_t>(all))};
        }
        value = static_cast<uint32_t>(*v & *m);
        mask = static_cast<uint32_t>(*m);
        return {};
    }
    bool masked = text[0] == '+' || text[0] == '-';
    while (!text.empty()) {
        bool set = true;
        if (masked) {
            if (text[0] != '+' && text[0] != '-') {
                return Error{
                    fmt::format("{}: {} must be preceded by '+' (for SET) or '-' (NOT SET)", text, field)};
            }
            set = text[0] == '+';
            text.remove_prefix(1);
        }
        size_t end = masked ? text.find_first_of("+-") : text.find('|');
        std::string_view name = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + (masked ? 0 : 1));
        uint32_t bit = 0;
        if (const FlagName* flag = find(flags, name)) {
            bit = flag->bit;
        } else if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
            auto number = text::parse_u64_max("0x" + std::string(name.substr(1, name.size() - 2)), all);
            bit = number ? static_cast<uint32_t>(*number) : 0;
        }
        if (!bit) return Error{fmt::format("{}: unknown {} flag(s)", name, field)};
        if (mask & bit) return Error{fmt::format("{}: Each {} flag can be specified only once", name, field)};
        mask |= bit;
        if (set) value |= bit;
    }
    if (!masked) mask = all;
    return {};
}

void format_flags(std::span<const FlagName> flags, uint32_t value, const char* separator, const char* none,
                  std::string& out) {
    if (!value) {
        out += none;
        return;
    }
    bool first = true;
    for (const FlagName& flag : flags) {
        if (!(value & flag.bit)) continue;
        if (!first) out += separator;
        out += flag.name;
        value &= ~flag.bit;
        first = false;
    }
    if (value) {
        if (!first) out += separator;
        text::append_hex(out, value);
    }
}

void format_flags_masked(std::span<const FlagName> flags, uint32_t value, uint32_t mask, uint32_t all,
                         std::string& out) {
    if ((mask & all) == all) {
        uint32_t known = 0;
        for (const FlagName& flag : flags) known |= value & flag.bit;
        if (known || !value) format_flags(flags, known, "|", "0", out);
        bool first = !known;
        for (uint32_t bit = 1; bit && bit <= value; bit <<= 1) {
            if (!(value & ~known & bit)) continue;
            text::append(out, "{}[{:x}]", first ? "" : "|", bit);
            first = false;
        }
        return;
    }
    for (const FlagName& flag : flags) {
        if (!(mask & flag.bit)) continue;
        out += value & flag.bit ? '+' : '-';
        out += flag.name;
        mask &= ~flag.bit;
    }
    mask &= all;
    for (uint32_t bit = 1; mask; bit <<= 1) {
        if (!(mask & bit)) continue;
        out += value & bit ? '+' : '-';
        text::append(out, "[{:x}]", bit);
        mask &= ~bit;
    }
}

}  // namespace weft::openflow
