// Ports of transit switches: those to our routers are told to the other zones, theirs become remote ports
// here. All zones use the tunnel key that stands in the IC-SB's Port_Binding.

#include "ic/program.h"

namespace weft::ic {

using ovsdb::get_string;

namespace {

// "MAC NETWORK..." of the router port.
std::string address_of(const nb::LogicalRouterPort& port) {
    std::string out = port.mac;
    for (const std::string& network : port.networks) out += " " + network;
    return out;
}

// The gateway that has the router port, a distributed gateway port, now.
std::string gateway_of(Program& p, const std::string& router_port) {
    const std::string* chassis = p.in.bindings.find("cr-" + router_port);
    return chassis ? *chassis : "";
}

}  // namespace

void local_port(Program& p, const Uuid& port) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port);
    if (!row || row->type != "router") return;
    std::string router_port(get_string(row->options, "router-port"));
    const Uuid* peer = p.router_port_named.first(router_port);
    const Uuid* router = peer ? p.router_of_port.first(*peer) : nullptr;
    if (!router) return;
    p.port_rows.emit({row->name, p.transit_switch_of[port].front(), address_of(*p.in.router_ports.get(*peer)),
                      gateway_of(p, router_port), *router});
    const Uuid* zone = p.in.zone.find({});
    if (const Uuid* binding = p.ic_port_named.first(row->name)) {
        const icsb::PortBinding* told = p.in.ports.get(*binding);
        if (zone && told->availability_zone == *zone) p.port_key_rows.emit({port, told->tunnel_key});
    }
}

void remote_port(Program& p, const Uuid& port) {
    const icsb::PortBinding* row = p.in.ports.get(port);
    const Uuid* zone = p.in.zone.find({});
    if (!zone || row->availability_zone == *zone || is_of_router(*row)) return;
    if (!p.local_switch_named.contains(row->transit_switch)) return;
    if (p.other_port_named.contains(row->logical_port)) {
        p.complaints.emit("port " + row->logical_port +
                          " of another zone has the name of a port of this zone");
        return;
    }
    p.remote_port_rows.emit({row->logical_port, row->transit_switch, row->address, row->tunnel_key});
    p.remote_binding_rows.emit({row->logical_port, row->gateway});
}

}  // namespace weft::ic
