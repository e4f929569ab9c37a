// The host's IPv4 addresses and routes, by rtnetlink (rtnetlink(7)).
//
// Asked for when wanted; nothing is kept.  RouteEvents tells that something has changed, not what.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "net/loop.h"

namespace weft::datapath {

struct Ipv4Route {
    int ifindex = 0;
    uint32_t source = 0;  // address that packets have who do not choose, host order
    int mtu = 0;          // of the route, if it has one of its own; 0: the device's
};
// The route that the host's own packets to `destination` take; `source` 0: they do not choose.  Host order.
// nullopt: none, or not to another host.
std::optional<Ipv4Route> find_ipv4_route(uint32_t destination, uint32_t source);

struct Ipv4Address {
    int ifindex = 0;
    uint32_t address = 0;  // host order
};
std::vector<Ipv4Address> ipv4_addresses();  // of all devices

class RouteEvents {
  public:
    // Calls back when an IPv4 address or route has come, changed or gone.
    static Result<std::unique_ptr<RouteEvents>> create(net::Loop& loop, std::function<void()> callback);
    virtual ~RouteEvents() = default;
};

}  // namespace weft::datapath
