// What the switch knows of the network under its tunnels, for packets that go there through one of its own
// bridges (docs/decisions/0082-tunnels-through-bridges.md): addresses of the bridges' devices, routes,
// neighbours.
//
// One for all datapaths.  The host's routes and addresses are read when they are first wanted, and again
// when they have changed; dummy devices' addresses are what `netdev-dummy/ip4addr` says.  generation()
// changes whenever a translation could come out differently; while a neighbour is being asked for, once a
// second.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datapath/netdev/routes.h"
#include "net/loop.h"
#include "switch/underlay/neighbour_table.h"
#include "switch/underlay/route_table.h"

namespace weft::vswitch {

class Underlay {
  public:
    // `host`: the host's routes and addresses count.
    Underlay(net::Loop& loop, bool host);

    const UnderlayRoute* route(const packet::Ipv6Addr& destination, uint32_t mark);
    bool marked() { return routes().marked(); }  // some routes are for marks of packets alone
    const std::vector<UnderlayAddress>& addresses(const std::string& device);
    std::optional<packet::EthAddr> neighbour(const std::string& bridge,
                                             const packet::Ipv6Addr& address) const {
        return neighbours_.find(bridge, address);
    }
    void learn(const std::string& bridge, const packet::Ipv6Addr& address, const packet::EthAddr& mac);
    void used(const std::string& bridge, const packet::Ipv6Addr& address);
    bool ask(const std::string& bridge, const packet::Ipv6Addr& address);

    // For commands; changed() when they changed something.
    RouteTable& routes();
    NeighbourTable& neighbours() { return neighbours_; }
    void changed();
    uint64_t generation() const { return generation_; }

    // From which UDP ports tunnels send.
    uint16_t first_source_port = 32768, last_source_port = 61000;

  private:
    void read_host();
    void tick();

    net::Loop& loop_;
    bool host_;
    bool stale_ = true;
    std::unique_ptr<datapath::RouteEvents> events_;
    RouteTable routes_;
    NeighbourTable neighbours_;
    std::map<std::string, std::vector<UnderlayAddress>> addresses_;  // of devices that were asked for
    std::vector<datapath::HostAddress> host_addresses_;
    uint64_t generation_ = 1;
    std::unique_ptr<net::Loop::Timer> timer_;
};

}  // namespace weft::vswitch
