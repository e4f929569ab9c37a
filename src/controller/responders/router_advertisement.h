// Periodic router advertisements (RFC 4861 section 6.2) of a router port, from the options that ovn-northd
// writes to its Port_Binding (ipv6_ra_… of ovn-nb(5)).
//
// Sent are, in this order: source link-layer address, MTU, prefixes, RDNSS and DNSSL (RFC 8106), route
// information (RFC 4191); all lifetimes are the longest possible.  What is no address, prefix or name is left
// out.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ovsdb/client/containers.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::controller {

struct RouterAdvertisement {
    struct Prefix {
        packet::Ipv6Addr address{};
        uint8_t length = 0;
        bool operator==(const Prefix&) const = default;
    };
    struct Route {
        Prefix prefix;
        uint8_t preference = 0;  // its two bits, in place (RFC 4191 section 2.3)
        bool operator==(const Route&) const = default;
    };
    packet::EthAddr eth_src{};
    packet::Ipv6Addr ip_src{};
    uint8_t flags = 0;         // managed, other, preference
    uint8_t prefix_flags = 0;  // on-link, autonomous
    uint32_t mtu = 0;          // 0: not told
    std::vector<Prefix> prefixes;
    std::vector<packet::Ipv6Addr> dns_servers;
    std::string search_list;  // names, separated by commas
    std::vector<Route> routes;
    int64_t min_interval_ms = 0, max_interval_ms = 0;
    bool operator==(const RouterAdvertisement&) const = default;

    // nullopt: the port sends none, or lacks an address to send from.
    static std::optional<RouterAdvertisement> parse(const ovsdb::StringMap& options);
    // The frame, to all nodes.
    packet::Packet compose() const;
};

// "2001:db8::/64"
std::optional<RouterAdvertisement::Prefix> parse_prefix(std::string_view text);

}  // namespace weft::controller
