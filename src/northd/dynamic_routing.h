// Routers that exchange routes with those around them (ovn-nb(5), Logical_Router:options:dynamic-routing):
// what is told to hosts, which announce it, is Advertised_Route; what they learnt is Learned_Route.
//
// A port announces what options:dynamic-routing-redistribute lists, its own or else its router's:
//
//   connected          the networks of the port
//   connected-as-host  each address in them that is known: of the port, of the switch ports and routers
//   behind it static             networks of static routes that leave by the port nat, lb            external
//   addresses and VIPs of the router and of its neighbours behind the port
//
// A route is announced best by the host of its tracked port: that of the workload, or of the gateway.

#pragma once

#include <string>

#include "base/uuid.h"
#include "ovsdb/client/containers.h"

namespace weft::northd {

struct LearnedRoute {
    Uuid router;
    std::string port, prefix, nexthop;
    bool operator==(const LearnedRoute&) const = default;
};

struct Redistribution {
    bool connected = false, hosts = false, statics = false, nat = false, lb = false;
};

// Whether a switch with this other_config announces the addresses of its ports.
bool advertises_ips(const ovsdb::StringMap& config);

}  // namespace weft::northd
