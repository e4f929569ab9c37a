// What ovn-ic computes, and the engine that computes it: rows of three databases, and what the operator
// should be told.

#pragma once

#include <string>

#include "ic/rows.h"
#include "incremental/output.h"

namespace weft::ic {

using incremental::Engine;
using incremental::Output;

struct Outputs {
    Outputs();
    ~Outputs();

    Engine engine;
    Output<SwitchRow> switch_rows{engine, "switch rows"};
    Output<RouterRow> router_rows{engine, "router rows"};
    Output<RouterPortRow> router_port_rows{engine, "router port rows"};
    Output<RemotePortRow> remote_port_rows{engine, "remote port rows"};
    Output<PortKeyRow> port_key_rows{engine, "port keys"};
    Output<LearnedRouteRow> learned_route_rows{engine, "learned route rows"};
    Output<RemoteChassisRow> remote_chassis_rows{engine, "remote chassis rows"};
    Output<RemoteBindingRow> remote_binding_rows{engine, "remote bindings"};
    Output<DatapathRow> datapath_rows{engine, "datapath rows"};
    Output<GatewayRow> gateway_rows{engine, "gateway rows"};
    Output<PortRow> port_rows{engine, "port rows"};
    Output<RouteRow> route_rows{engine, "route rows"};
    Output<std::string> complaints{engine, "complaints"};
};

}  // namespace weft::ic
