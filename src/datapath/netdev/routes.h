// The host's addresses and routes, by rtnetlink (rtnetlink(7)).
//
// Asked for when wanted; nothing is kept.  RouteEvents tells that something has changed, not what.  IPv4
// addresses are in mapped form, ::ffff:a.b.c.d.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "net/netlink_events.h"
#include "packet/flow.h"

namespace weft::datapath {

struct Route {
    int ifindex = 0;
    packet::Ipv6Addr source{};   // address that packets have who do not choose
    packet::Ipv6Addr gateway{};  // zero: the destination is a neighbour
    bool other_family = false;   // the gateway's address is of another family, and not told
    int mtu = 0;                 // of the route, if it has one of its own; 0: the device's
};
// The route that the host's own packets to `destination` take; `source` zero: they do not choose.
// nullopt: none, or not to another host.
std::optional<Route> find_route(const packet::Ipv6Addr& destination, const packet::Ipv6Addr& source);

// All routes of the host's own tables (local and main), in the kernel's order, that have a source address.
struct HostRoute {
    packet::Ipv6Addr network{};
    uint8_t bits = 0;  // of the mapped form: 96 and more for IPv4
    int ifindex = 0;
    packet::Ipv6Addr gateway{};
    packet::Ipv6Addr source{};  // the route's own, or an address of the device
    bool local = false;         // to the host itself
};
std::vector<HostRoute> host_routes();

struct HostAddress {
    int ifindex = 0;
    packet::Ipv6Addr address{};
    uint8_t bits = 128;  // of its network, as in HostRoute
};
// Of all devices, but for those that mean something on their own link only (fe80::/10).
std::vector<HostAddress> host_addresses();

class RouteEvents {
  public:
    // Calls back when an address, route or rule has come, changed or gone.
    static Result<std::unique_ptr<RouteEvents>> create(net::Loop& loop, std::function<void()> callback);

  private:
    explicit RouteEvents(std::unique_ptr<net::NetlinkEvents> events);
    std::unique_ptr<net::NetlinkEvents> events_;
};

}  // namespace weft::datapath
