#include "cli/nbctl/common.h"

#include <charconv>

#include "json/text.h"
#include "ovsdb/data/datum_text.h"
#include "packet/address.h"

namespace weft::cli::nbctl {
namespace {

struct Network {
    bool v6 = false;
    uint32_t v4_address = 0;
    packet::Ipv6Addr v6_address{};
    int prefix = -1;  // -1: none was given

    int bits() const { return v6 ? 128 : 32; }
    std::string address() const {
        return v6 ? packet::to_string(v6_address) : packet::ipv4_to_string(v4_address);
    }
};

std::optional<Network> parse_network(std::string_view text) {
    Network out;
    size_t slash = text.find('/');
    std::string_view address = text.substr(0, slash);
    if (std::optional<uint32_t> v4 = packet::parse_ipv4(address)) {
        out.v4_address = *v4;
    } else if (std::optional<packet::Ipv6Addr> v6 = packet::parse_ipv6(address)) {
        out.v6 = true;
        out.v6_address = *v6;
    } else {
        return std::nullopt;
    }
    if (slash == std::string_view::npos) return out;
    std::optional<int64_t> prefix = parse_number(text.substr(slash + 1), 0, out.bits());
    if (!prefix) return std::nullopt;
    out.prefix = static_cast<int>(*prefix);
    return out;
}

void clear_host_bits(Network& network) {
    if (network.prefix < 0) return;
    if (!network.v6) {
        network.v4_address &= network.prefix ? ~uint32_t{0} << (32 - network.prefix) : 0;
        return;
    }
    for (int i = 0; i < 16; i++) {
        int keep = std::clamp(network.prefix - i * 8, 0, 8);
        network.v6_address[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> keep);
    }
}

}  // namespace

void print_named(CtlContext& context, std::vector<NamedLine> lines) {
    std::sort(lines.begin(), lines.end(), [](const NamedLine& a, const NamedLine& b) {
        return std::tie(a.name, a.uuid) < std::tie(b.name, b.uuid);
    });
    for (const NamedLine& line : lines)
        context.output += fmt::format("{} ({})\n", line.uuid.to_string(), line.name);
}

std::optional<int64_t> parse_number(std::string_view text, int64_t low, int64_t high) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (number < low || number > high) return std::nullopt;
    return number;
}

Result<int64_t> parse_priority(std::string_view text) {
    std::optional<int64_t> priority = parse_number(text, 0, 32767);
    if (!priority) return Error{fmt::format("{}: priority must in range 0...32767", text)};
    return *priority;
}

std::string normal_address(std::string_view text) {
    std::optional<Network> network = parse_network(text);
    return network && network->prefix < 0 ? network->address() : "";
}

std::string normal_network(std::string_view text) {
    std::optional<Network> network = parse_network(text);
    if (!network) return "";
    clear_host_bits(*network);
    if (network->prefix < 0 || network->prefix == network->bits()) return network->address();
    return fmt::format("{}/{}", network->address(), network->prefix);
}

std::string normal_interface_address(std::string_view text) {
    std::optional<Network> network = parse_network(text);
    if (!network) return "";
    if (network->prefix < 0 || network->prefix == network->bits()) return network->address();
    return fmt::format("{}/{}", network->address(), network->prefix);
}

bool is_ipv6(std::string_view text) {
    return text.find(':') != std::string_view::npos;
}

std::string normal_mac(std::string_view text) {
    std::optional<packet::EthAddr> mac = packet::parse_eth(text);
    return mac ? packet::to_string(*mac) : "";
}

ovsdb::StringMap parse_pairs(const CtlContext& context, size_t first) {
    ovsdb::StringMap out;
    for (size_t i = first; i < context.size(); i++) {
        const std::string& word = context.arguments[i];
        size_t equals = std::min(word.find('='), word.size());
        out.set(word.substr(0, equals), word.substr(std::min(equals + 1, word.size())));
    }
    return out;
}

void print_pairs(CtlContext& context, const ovsdb::StringMap& map) {
    for (const auto& [key, value] : map) context.output += fmt::format("{}={}\n", key, value);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    while (!text.empty()) {
        size_t end = std::min(text.find(separator), text.size());
        if (end) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string quoted(std::string_view text) {
    std::string out;
    ovsdb::append_text(out, ovsdb::AtomView(text));
    return out;
}

std::string quoted_set(const ovsdb::Set<std::string>& set) {
    std::string out = "[";
    for (const std::string& each : set) {
        if (out.size() > 1) out += ", ";
        json::append_string(out, each);
    }
    return out + "]";
}

}  // namespace weft::cli::nbctl
