// The kernel's routing tables, for programs that exchange routes with a routing daemon by them (rtnetlink(7),
// ip-route(8), ip-vrf(8)).
//
// A seam: KernelRoutingTables asks the kernel of the network namespace that the program runs in; tests may
// put another in its place.  IPv4 addresses are in mapped form (packet::map_ipv4()).  Errors are one line
// with errno's text; what may go wrong: no right to change routes, a kernel without VRF devices.

#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "packet/flow.h"

namespace weft::net {

struct KernelRoute {
    packet::Ipv6Addr network{};
    uint8_t bits = 0;            // of the network's own family
    packet::Ipv6Addr gateway{};  // zero: none
    std::string device;          // out of which it leads, or ""
    uint8_t protocol = 0;        // who made it (RTPROTO_…, rtnetlink(7))
    uint32_t metric = 0;
    bool blackhole = false;
    auto operator<=>(const KernelRoute&) const = default;
};

class RoutingTables {
  public:
    virtual ~RoutingTables() = default;
    virtual Result<std::vector<KernelRoute>> routes(uint32_t table) = 0;
    // `route` as routes() tells it; of what is added the device does not count.
    virtual Result<void> add(uint32_t table, const KernelRoute& route) = 0;
    virtual Result<void> remove(uint32_t table, const KernelRoute& route) = 0;
    // A VRF device whose table it is, up; if there is one of that name and table, it is taken.
    virtual Result<void> make_vrf(const std::string& name, uint32_t table) = 0;
    virtual Result<void> remove_vrf(const std::string& name) = 0;
};

// `on_change`: some route changed; the loop calls it.
Result<std::unique_ptr<RoutingTables>> kernel_routing_tables(Loop& loop, std::function<void()> on_change);

}  // namespace weft::net
