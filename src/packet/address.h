// Addresses as text: Ethernet aa:bb:cc:dd:ee:ff, IPv4 192.0.2.1, IPv6 in RFC 5952 form.
//
// Parsers take exactly one address and nothing around it.  IPv4 addresses are host-order integers here.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packet/flow.h"

namespace weft::packet {

std::string to_string(const EthAddr& address);
std::string to_string(const Ipv6Addr& address);
std::string ipv4_to_string(uint32_t address);

std::optional<EthAddr> parse_eth(std::string_view text);
std::optional<uint32_t> parse_ipv4(std::string_view text);
std::optional<Ipv6Addr> parse_ipv6(std::string_view text);

inline constexpr EthAddr kEthBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline bool is_multicast(const EthAddr& address) {
    return address[0] & 1;
}
inline bool is_zero(const EthAddr& address) {
    return address == EthAddr{};
}
inline bool is_zero(const Ipv6Addr& address) {
    return address == Ipv6Addr{};
}
inline bool is_multicast(const Ipv6Addr& address) {
    return address[0] == 0xff;
}

// ::ffff:a.b.c.d, and back (nullopt if `address` is not of that form).
Ipv6Addr map_ipv4(uint32_t address);
std::optional<uint32_t> mapped_ipv4(const Ipv6Addr& address);

}  // namespace weft::packet
