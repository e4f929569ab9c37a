// The last table: out to the ports.

#include "northd/features.h"

namespace weft::northd {

void delivery_of_router(Program& p, FlowWriter& f, const Router& r) {
    if (!p.router_ports(r.uuid).empty()) f.add(Stage::kRouterOutDelivery, 0, "1", "drop;");
}

void delivery_of_port(Program&, FlowWriter& f, const RouterPort& port) {
    if (!port.enabled) return;
    f.add(Stage::kRouterOutDelivery, 100, "outport == " + port.quoted, "output;", {port.name, ""});
}

}  // namespace weft::northd
