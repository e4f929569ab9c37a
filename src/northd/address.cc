#include "northd/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weft::northd {

namespace {

std::optional<uint32_t> ip4_value(std::string_view text) {
    char buffer[16];
    if (text.size() >= sizeof buffer) return std::nullopt;
    std::copy(text.begin(), text.end(), buffer);
    buffer[text.size()] = 0;
    in_addr address;
    if (inet_pton(AF_INET, buffer, &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::optional<Ip6> ip6_value(std::string_view text) {
    char buffer[48];
    if (text.size() >= sizeof buffer) return std::nullopt;
    std::copy(text.begin(), text.end(), buffer);
    buffer[text.size()] = 0;
    Ip6 value;
    if (inet_pton(AF_INET6, buffer, value.data()) != 1) return std::nullopt;
    return value;
}

std::optional<int> number(std::string_view text, int max) {
    int value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > max) return {};
    return value;
}

std::optional<int> prefix_of_mask(uint32_t mask) {
    int prefix = __builtin_popcount(mask);
    uint32_t same = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
    if (same != mask) return std::nullopt;
    return prefix;
}

Ip6 masked(const Ip6& value, int prefix) {
    Ip6 out = value;
    for (int bit = prefix; bit < 128; ++bit) {
        out[static_cast<size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
    }
    return out;
}

}  // namespace

std::string ip4_text(uint32_t value) {
    return fmt::format("{}.{}.{}.{}", value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255);
}

std::string ip6_text(const Ip6& value) {
    char buffer[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, value.data(), buffer, sizeof buffer);
    return buffer;
}

std::string Ip4::network() const {
    return ip4_text(value & mask());
}
std::string Ip4::broadcast() const {
    return ip4_text(value | ~mask());
}
std::string Ip6Net::network() const {
    return ip6_text(masked(value, prefix));
}
std::string Ip6Net::solicited_node() const {
    Ip6 group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, value[13], value[14], value[15]};
    return ip6_text(group);
}
bool Ip6Net::contains(const Ip6& other) const {
    return masked(value, prefix) == masked(other, prefix);
}

std::optional<std::array<uint8_t, 6>> parse_mac(std::string_view text) {
    std::array<uint8_t, 6> mac{};
    if (text.size() != 17) return std::nullopt;
    for (size_t i = 0; i < 6; ++i) {
        if (i && text[i * 3 - 1] != ':') return std::nullopt;
        auto* first = text.data() + i * 3;
        auto [end, error] = std::from_chars(first, first + 2, mac[i], 16);
        if (error != std::errc() || end != first + 2) return std::nullopt;
    }
    return mac;
}

std::string mac_text(const std::array<uint8_t, 6>& m) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", m[0], m[1], m[2], m[3], m[4], m[5]);
}

std::optional<Ip4> parse_ip4(std::string_view text) {
    Ip4 ip;
    size_t slash = text.find('/');
    auto value = ip4_value(text.substr(0, slash));
    if (!value) return std::nullopt;
    ip.value = *value;
    ip.address = ip4_text(*value);
    if (slash == text.npos) return ip;
    std::string_view rest = text.substr(slash + 1);
    std::optional<int> prefix = number(rest, 32);
    if (!prefix) {
        auto mask = ip4_value(rest);
        if (mask) prefix = prefix_of_mask(*mask);
    }
    if (!prefix) return std::nullopt;
    ip.prefix = *prefix;
    return ip;
}

std::optional<Ip6Net> parse_ip6(std::string_view text) {
    Ip6Net ip;
    size_t slash = text.find('/');
    auto value = ip6_value(text.substr(0, slash));
    if (!value) return std::nullopt;
    ip.value = *value;
    ip.address = ip6_text(*value);
    if (slash == text.npos) return ip;
    auto prefix = number(text.substr(slash + 1), 128);
    if (!prefix) return std::nullopt;
    ip.prefix = *prefix;
    return ip;
}

std::optional<PortAddresses> parse_addresses(std::string_view text) {
    std::vector<std::string_view> words = split(text, " \t");
    if (words.empty()) return std::nullopt;
    auto mac = parse_mac(words[0]);
    if (!mac) return std::nullopt;
    PortAddresses out;
    out.eth = *mac;
    out.mac = mac_text(*mac);
    for (size_t i = 1; i < words.size(); ++i) {
        if (auto ip4 = parse_ip4(words[i])) {
            out.ip4.push_back(std::move(*ip4));
        } else if (auto ip6 = parse_ip6(words[i])) {
            out.ip6.push_back(std::move(*ip6));
        } else {
            break;
        }
    }
    return out;
}

Ip6Net link_local(const std::array<uint8_t, 6>& mac) {
    Ip6Net ip;
    ip.value = {0xfe,   0x80,   0,    0,    0,      0,      0,     0, static_cast<uint8_t>(mac[0] ^ 2),
                mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
    ip.prefix = 64;
    ip.address = ip6_text(ip.value);
    return ip;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    Endpoint out;
    std::string_view port;
    if (text.starts_with('[')) {
        size_t close = text.find(']');
        if (close == text.npos) return std::nullopt;
        std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
        if (!rest.empty()) port = rest.substr(1);
        if (!rest.empty() && port.empty()) return std::nullopt;
        text = text.substr(1, close - 1);
    } else if (size_t colon = text.find(':'); colon != text.npos && text.find(':', colon + 1) == text.npos) {
        port = text.substr(colon + 1);
        text = text.substr(0, colon);
        if (port.empty()) return std::nullopt;
    }
    if (auto ip4 = ip4_value(text)) {
        out.address = ip4_text(*ip4);
    } else if (auto ip6 = ip6_value(text)) {
        out.is_ip6 = true;
        out.address = ip6_text(*ip6);
    } else {
        return std::nullopt;
    }
    if (!port.empty()) {
        auto value = number(port, 65535);
        if (!value) return std::nullopt;
        if (*value) out.port = std::to_string(*value);
    }
    return out;
}

std::optional<Endpoint> parse_template_endpoint(std::string_view text, bool is_ip6) {
    if (auto plain = parse_endpoint(text); plain && plain->is_ip6 == is_ip6) return plain;
    Endpoint out;
    out.is_ip6 = is_ip6;
    size_t close = text.starts_with('[') ? text.find(']') : 0;
    if (close == text.npos) return std::nullopt;
    size_t colon = text.starts_with('^') || close ? text.find(':', close) : text.rfind(':');
    std::string_view address = text.substr(0, colon);
    if (close) address = address.substr(1, close - 1);
    if (address.empty()) return std::nullopt;
    out.address = address;
    if (colon == text.npos) return out;
    std::string_view port = text.substr(colon + 1);
    if (port.empty() || (!port.starts_with('^') && !number(port, 65535))) return std::nullopt;
    out.port = port;
    return out;
}

std::string endpoint_text(const Endpoint& e) {
    if (e.port.empty()) return e.address;
    return e.is_ip6 ? fmt::format("[{}]:{}", e.address, e.port) : fmt::format("{}:{}", e.address, e.port);
}

std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (char c : name) {
        switch (c) {
            case '"':
            case '\\':
                out += '\\';
                out += c;
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    return out + "\"";
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> words;
    while (true) {
        size_t first = text.find_first_not_of(separators);
        if (first == text.npos) return words;
        text.remove_prefix(first);
        size_t end = std::min(text.find_first_of(separators), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

}  // namespace weft::northd
