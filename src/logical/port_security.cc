#include "logical/port_security.h"

#include "packet/address.h"

namespace weft::logical {

using packet::EthAddr;
using packet::Ipv6Addr;

Ipv6Addr prefix_mask(unsigned length) {
    Ipv6Addr mask{};
    for (unsigned bit = 0; bit < length; ++bit)
        mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | 0x80 >> bit % 8);
    return mask;
}

Ipv6Addr link_local(const EthAddr& mac) {
    return {0xfe,   0x80,   0,    0,    0,      0,      0,     0, static_cast<uint8_t>(mac[0] ^ 2),
            mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
}

namespace {

std::optional<unsigned> parse_length(std::string_view text, unsigned most) {
    if (text.empty() || text.size() > 3) return std::nullopt;
    unsigned value = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value <= most ? std::optional(value) : std::nullopt;
}

void add_address(PortSecurity& entry, std::string_view word) {
    size_t slash = word.find('/');
    std::string_view text = word.substr(0, slash);
    std::string_view length = slash == std::string_view::npos ? std::string_view() : word.substr(slash + 1);
    if (auto v4 = packet::parse_ipv4(text)) {
        auto bits = slash == std::string_view::npos ? std::optional(32u) : parse_length(length, 32);
        if (bits) entry.v4.push_back({*v4, *bits ? 0xffffffffu << (32 - *bits) : 0});
    } else if (auto v6 = packet::parse_ipv6(text)) {
        auto bits = slash == std::string_view::npos ? std::optional(128u) : parse_length(length, 128);
        if (!bits) return;
        Ipv6Addr mask = prefix_mask(*bits);
        bool has_host_part = *bits == 128;
        for (size_t i = 0; i < mask.size(); ++i) has_host_part |= (*v6)[i] & ~mask[i];
        entry.v6.push_back({*v6, has_host_part ? prefix_mask(128) : mask, has_host_part});
    }
}

}  // namespace

std::optional<PortSecurity> parse_port_security(std::string_view text) {
    std::optional<PortSecurity> out;
    while (!text.empty()) {
        std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(word.size() < text.size() ? word.size() + 1 : word.size());
        if (word.empty()) continue;
        if (out) {
            add_address(*out, word);
            continue;
        }
        std::optional<EthAddr> mac = packet::parse_eth(word);
        if (!mac) return std::nullopt;
        out = PortSecurity{*mac, {}, {}};
    }
    return out;
}

}  // namespace weft::logical
