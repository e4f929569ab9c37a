// ovn-ic as a program of tracked queries (incremental/engine.h): from the rows of four databases to the rows
// that the zone's own and the interconnection southbound database should have.
//
// This page is the table of contents: relations first, then the rules that emit, one call per transit switch,
// port, gateway or route, each in the file of its noun.  Declarations stand in the order in which they may
// read one another.

#pragma once

#include <string>

#include "ic/inputs.h"
#include "ic/outputs.h"
#include "ic/route_policy.h"
#include "incremental/index.h"
#include "incremental/query.h"
#include "incremental/rule.h"

namespace weft::ic {

using incremental::Index;
using incremental::Query;
using incremental::Rule;
using incremental::Unit;

// Where a router is joined to a transit switch, or to a transit router.
struct Link {
    std::string transit_switch;  // or router
    Uuid router, port;           // the router, and its port there
    Uuid peer = {};              // of a transit router: its port that the router's port is the peer of
    auto operator<=>(const Link&) const = default;
};

// A prefix in a routing table of a router.
struct OwnPrefix {
    Uuid router;
    std::string table, prefix;
    auto operator<=>(const OwnPrefix&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const OwnPrefix& k) {
        return H::combine(std::move(h), k.router, k.table, k.prefix);
    }
};

// What distinguishes the routes of a zone in the IC-SB.
struct RouteName {
    std::string transit_switch, table, prefix, nexthop;
    auto operator<=>(const RouteName&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const RouteName& k) {
        return H::combine(std::move(h), k.transit_switch, k.table, k.prefix, k.nexthop);
    }
};

class Program : public Outputs {
  public:
    Program();
    ~Program();

    Inputs in{engine};

    // --- transit switches and routers
    Index<std::string, Uuid> datapath_named{engine, "datapath_named"};   // of a switch → Datapath_Binding
    Index<Uuid, Uuid> datapath_of_router{engine, "datapath_of_router"};  // Transit_Router → Datapath_Binding
    Rule<Uuid> name_datapaths;
    Rule<Uuid> emit_transit_switch;
    Rule<Uuid> emit_transit_router;

    // --- gateways; addresses of tunnels are unique among all chassis: "TYPE IP"
    Index<std::string, Uuid> local_chassis_named{engine, "local_chassis_named"};
    Index<std::string, Uuid> local_tunnels{engine, "local_tunnels"};
    Rule<Uuid> name_chassis;
    Index<std::string, Uuid> foreign_gateway_named{engine, "foreign_gateway_named"};
    Index<std::string, Uuid> foreign_tunnels{engine, "foreign_tunnels"};
    Rule<Uuid> name_gateways;
    Rule<Uuid> emit_gateway;
    Rule<Uuid> emit_remote_gateway;

    // --- ports of transit switches
    Index<Uuid, std::string> transit_switch_of{engine, "transit_switch_of"};  // port → name
    Index<std::string, Uuid> local_switch_named{engine, "local_switch_named"};
    Rule<Uuid> list_switch_ports;
    Index<std::string, Uuid> other_port_named{engine, "other_port_named"};  // those that are not remote ones
    Rule<Uuid> name_switch_ports;
    Index<Uuid, Uuid> router_of_port{engine, "router_of_port"};
    Index<Uuid, Uuid> router_of_route{engine, "router_of_route"};
    Index<std::string, Uuid> local_transit_router{engine, "local_transit_router"};  // name → Logical_Router
    Rule<Uuid> list_routers;
    Index<std::string, Uuid> router_port_named{engine, "router_port_named"};
    Rule<Uuid> name_router_ports;
    Index<std::string, Uuid> ic_port_named{engine, "ic_port_named"};  // name → the IC-SB's Port_Binding
    Rule<Uuid> name_ic_ports;
    Rule<Uuid> emit_local_port;
    Rule<Uuid> emit_remote_port;

    // --- ports of transit routers
    Index<Uuid, std::string> transit_router_of{engine, "transit_router_of"};  // port → name
    Rule<Uuid> list_transit_routers;
    Index<std::string, std::string> neighbors_at{engine, "neighbors_at"};  // port → "MAC IP"
    Rule<Uuid> list_neighbors;
    Index<std::string, Uuid> transit_router_port_named{engine, "transit_router_port_named"};
    Rule<Uuid> name_transit_router_ports;
    Index<std::string, Uuid> peer_of{engine, "peer_of"};  // transit router's port → router port here
    Rule<Uuid> list_peers;
    Rule<Uuid> emit_transit_router_port;

    // --- routes
    Query<Unit, RoutePolicy> route_policy;
    // "10.0.0.0/24": what it is at, and has routes of its own to
    Index<Uuid, std::string> networks_of_router{engine, "networks_of_router"};
    Index<OwnPrefix, Uuid> own_routes{engine, "own_routes"};  // static routes that were not learned
    Rule<Uuid> list_own_routes;
    Index<Uuid, Link> links_of_router{engine, "links_of_router"};
    Index<std::string, Link> links_of_switch{engine, "links_of_switch"};
    Index<Uuid, std::string> switches_of_router_port{engine, "switches_of_router_port"};
    Rule<Uuid> list_links;
    Rule<Uuid> list_router_links;
    Rule<Uuid> list_networks;
    Index<RouteName, RouteRow> advertisable{engine, "advertisable"};
    Rule<Uuid> advertise_static;
    Rule<Uuid> advertise_connected;
    Rule<RouteName> advertise;
    Rule<Uuid> learn;
};

// --- the functions behind it, by noun

// transit_switches.cc
void transit_switch(Program& p, const Uuid& uuid);
// transit_routers.cc
void transit_router(Program& p, const Uuid& uuid);
void transit_router_port(Program& p, const Uuid& port);
void peer_of_port(Program& p, const Uuid& router_port);
// gateways.cc
void name_local_chassis(Program& p, const Uuid& chassis);
void name_foreign_gateway(Program& p, const Uuid& gateway);
void gateway(Program& p, const Uuid& chassis);
void remote_gateway(Program& p, const Uuid& gateway);
// ports.cc
void local_port(Program& p, const Uuid& port);
void remote_port(Program& p, const Uuid& port);
// routes.cc
RoutePolicy compute_route_policy(Program& p);
void own_route(Program& p, const Uuid& route);
void link_of_port(Program& p, const Uuid& port);
void link_of_router_port(Program& p, const Uuid& port);
void networks_of_port(Program& p, const Uuid& port);
void advertise_static_route(Program& p, const Uuid& route);
void advertise_networks(Program& p, const Uuid& router_port);
void learn_route(Program& p, const Uuid& advertised);

}  // namespace weft::ic
