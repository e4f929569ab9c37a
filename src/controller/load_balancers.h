// Rows of the southbound Load_Balancer table, read: addresses, protocol, and the datapaths that it applies
// to.
//
// What cannot be parsed yields nothing; northd has told the operator of it.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "controller/southbound_view.h"
#include "packet/address.h"

namespace weft::controller {

struct LbEndpoint {
    bool v6 = false;
    packet::Ipv6Addr address{};  // IPv4: the first four bytes
    uint16_t port = 0;           // 0: all of the address

    uint32_t ipv4() const { return load_be32(address.data()); }
    bool operator==(const LbEndpoint&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const LbEndpoint& e) {
        return H::combine(std::move(h), e.v6, e.address, e.port);
    }
};

std::optional<LbEndpoint> parse_lb_address(std::string_view text);
// "10.0.0.1", "10.0.0.1:80", "fd00::1", "[fd00::1]:80".
std::optional<LbEndpoint> parse_lb_endpoint(std::string_view text);

// Virtual addresses with this chassis' values of template variables, and the back ends of each that are of
// its kind.
struct LbVip {
    LbEndpoint vip;
    std::vector<LbEndpoint> backends;
};
std::vector<LbVip> vips_of(SouthboundView& view, const schema::sb::LoadBalancer& row);

// Number of its transport protocol (IANA protocol numbers).
uint8_t protocol_of(const schema::sb::LoadBalancer& row);

// Those that it names in whatever form.
std::set<Uuid> datapaths_of(SouthboundView& view, const schema::sb::LoadBalancer& row);

}  // namespace weft::controller
