// What ovn-ic computes from: rows of the four databases that it follows.
//
// Rows are those of the replicas, by pointer: they change in place, and who feeds the inputs touches the row
// then.

#pragma once

#include <string>

#include "incremental/input.h"
#include "schema/icnb.h"
#include "schema/icsb.h"
#include "schema/nb.h"
#include "schema/sb.h"

namespace weft::ic {

namespace nb = schema::nb;
namespace sb = schema::sb;
namespace icnb = schema::icnb;
namespace icsb = schema::icsb;

using incremental::Rows;

// A chassis that stands for a gateway of another zone.
inline bool is_remote(const sb::Chassis& row) {
    return ovsdb::get_bool(row.other_config, "is-remote") &&
           !ovsdb::get_bool(row.other_config, "is-interconn");
}

// Of a transit router, not of a transit switch.
inline bool is_of_router(const icsb::DatapathBinding& row) {
    return row.type == "transit-router";
}
inline bool is_of_router(const icsb::PortBinding& row) {
    return row.type == "transit-router-port";
}

struct Inputs {
    explicit Inputs(incremental::Engine& e);
    ~Inputs();
    incremental::Engine& engine;

    incremental::Input<incremental::Unit, Uuid> zone{engine, "zone"};  // our Availability_Zone

    // Northbound; of switch ports only those to routers, remote ones, and those with a name that another zone
    // has given to a port.
    Rows<nb::NBGlobal> global{engine, "NB_Global"};
    Rows<nb::LogicalSwitch> switches{engine, "Logical_Switch"};
    Rows<nb::LogicalSwitchPort> switch_ports{engine, "Logical_Switch_Port"};
    Rows<nb::LogicalRouter> routers{engine, "Logical_Router"};
    Rows<nb::LogicalRouterPort> router_ports{engine, "Logical_Router_Port"};
    Rows<nb::LogicalRouterStaticRoute> routes{engine, "Logical_Router_Static_Route"};

    // Southbound
    Rows<sb::Chassis> chassis{engine, "Chassis"};
    Rows<sb::Encap> encaps{engine, "Encap"};
    // Where a port is bound: the name of its chassis, by the port's name; of ports of gateways alone.
    incremental::Input<std::string, std::string> bindings{engine, "Port_Binding"};
    // Neighbours that were learnt at ports of transit routers.
    Rows<sb::MACBinding> neighbors{engine, "MAC_Binding"};

    // Of all zones
    Rows<icnb::TransitSwitch> transit_switches{engine, "Transit_Switch"};
    Rows<icnb::TransitRouter> transit_routers{engine, "Transit_Router"};
    Rows<icnb::TransitRouterPort> transit_router_ports{engine, "Transit_Router_Port"};
    Rows<icsb::Gateway> gateways{engine, "Gateway"};
    Rows<icsb::Encap> gateway_encaps{engine, "Gateway encap"};
    Rows<icsb::DatapathBinding> datapaths{engine, "Datapath_Binding"};
    Rows<icsb::PortBinding> ports{engine, "Transit Port_Binding"};
    Rows<icsb::Route> advertised{engine, "Route"};
};

}  // namespace weft::ic
