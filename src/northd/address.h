// The addresses in northbound columns: "MAC IP...", networks with prefix lengths, "IP:PORT".
//
// All text that goes into flows is made once here, in the form ovn-sb(5) expressions have.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::northd {

using Ip6 = std::array<uint8_t, 16>;

// An IPv4 address in a network.
struct Ip4 {
    uint32_t value = 0;  // host order
    int prefix = 32;
    std::string address;  // "192.168.1.1"

    uint32_t mask() const { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }
    std::string network() const;    // "192.168.1.0"
    std::string broadcast() const;  // "192.168.1.255"
    std::string network_text() const { return network() + "/" + std::to_string(prefix); }
    bool contains(uint32_t other) const { return ((value ^ other) & mask()) == 0; }
    bool operator==(const Ip4&) const = default;
};

struct Ip6Net {
    Ip6 value{};
    int prefix = 128;
    std::string address;  // "fe80::1"

    std::string network() const;
    std::string network_text() const { return network() + "/" + std::to_string(prefix); }
    std::string solicited_node() const;  // "ff02::1:ff00:1" (RFC 4291, 2.7.1)
    bool is_link_local() const { return value[0] == 0xfe && (value[1] & 0xc0) == 0x80; }
    bool contains(const Ip6& other) const;
    bool operator==(const Ip6Net&) const = default;
};

// "MAC IP..." (ovn-nb(5) addresses, port_security), or a router port's mac and networks.
struct PortAddresses {
    std::string mac;  // lower case
    std::array<uint8_t, 6> eth{};
    std::vector<Ip4> ip4;
    std::vector<Ip6Net> ip6;
    bool operator==(const PortAddresses&) const = default;
};

std::string ip4_text(uint32_t value);
std::string ip6_text(const Ip6& value);
std::optional<std::array<uint8_t, 6>> parse_mac(std::string_view text);
std::string mac_text(const std::array<uint8_t, 6>& mac);
std::optional<Ip4> parse_ip4(std::string_view text);     // "A" or "A/len" or "A/mask"
std::optional<Ip6Net> parse_ip6(std::string_view text);  // "A" or "A/len"
// A MAC address and the addresses after it, up to the first word that is none; nullopt without a MAC.
std::optional<PortAddresses> parse_addresses(std::string_view text);
Ip6Net link_local(const std::array<uint8_t, 6>& mac);  // fe80::/64 with the EUI-64 of RFC 4291, appendix A

// "IP:PORT", "[IP6]:PORT", or without port.  In load balancers that are templates either may be a variable of
// the chassis: "^NAME" (ovn-nb(5), Chassis_Template_Var).
struct Endpoint {
    bool is_ip6 = false;
    std::string address;
    std::string port;  // as expressions have it; "": none given
    bool operator==(const Endpoint&) const = default;
};
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::optional<Endpoint> parse_template_endpoint(std::string_view text, bool is_ip6);
std::string endpoint_text(const Endpoint& endpoint);

// "name" as expressions quote it: JSON.
std::string quoted(std::string_view name);
std::vector<std::string_view> split(std::string_view text, std::string_view separators);

}  // namespace weft::northd
