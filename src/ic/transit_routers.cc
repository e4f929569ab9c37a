// Transit routers: a datapath that all zones share, and a logical router with all its ports in each of them.
//
// A port is where its chassis is.  The chassis' zone tells the others the port's tunnel key, its gateway and
// its neighbours, those that were learnt at it and its peer: a packet is routed in the zone where it comes
// from, while only the zone of the port hears who answers there.  The zone also decides which of its routers'
// ports is the peer (Logical_Router_Port:peer of its own northbound database).

#include <algorithm>

#include "ic/program.h"

namespace weft::ic {

using ovsdb::get_string;

namespace {

constexpr const char* kNeighbors = "neighbors";  // in the IC-SB's Port_Binding:external_ids

std::string address_of(const icnb::TransitRouterPort& port) {
    std::string out = port.mac;
    for (const std::string& network : port.networks) out += " " + network;
    return out;
}

// "MAC IP" of every address of the port's peers.
std::vector<std::string> peers_of(Program& p, const std::string& port) {
    std::vector<std::string> list;
    for (const Uuid& peer : p.peer_of[port]) {
        const nb::LogicalRouterPort& row = *p.in.router_ports.get(peer);
        for (const std::string& network : row.networks) {
            if (auto prefix = parse_prefix(network)) list.push_back(row.mac + " " + prefix->address_text());
        }
    }
    return list;
}

// What is known at the port here, in an order that stays; a peer's address is the peer's, whoever else was
// heard to have it.
std::string own_neighbors(Program& p, const std::string& port) {
    std::vector<std::string> list = peers_of(p, port);
    std::vector<std::string> peers = list;
    auto address = [](const std::string& neighbor) {
        return std::string_view(neighbor).substr(neighbor.find(' '));
    };
    for (const std::string& each : p.neighbors_at[port]) {
        bool known =
            std::ranges::any_of(peers, [&](const auto& peer) { return address(peer) == address(each); });
        if (!known) list.push_back(each);
    }
    std::sort(list.begin(), list.end());
    std::string out;
    for (const std::string& each : list) out += (out.empty() ? "" : ",") + each;
    return out;
}

// Tells the other zones of a port that is here.
void tell(Program& p, const Uuid& uuid, const icnb::TransitRouterPort& port, const std::string& router) {
    const Uuid* chassis = p.local_chassis_named.first(port.chassis);
    if (!chassis) return;
    if (!ovsdb::get_bool(p.in.chassis.get(*chassis)->other_config, "is-interconn")) {
        p.complaints.emit("Transit_Router_Port " + port.name + ": chassis " + port.chassis +
                          " is no gateway to other zones (external_ids:ovn-is-interconn)");
    }
    p.port_rows.emit(
        {port.name, router, address_of(port), port.chassis, Uuid(), uuid, own_neighbors(p, port.name)});
}

}  // namespace

void transit_router(Program& p, const Uuid& uuid) {
    const icnb::TransitRouter* row = p.in.transit_routers.get(uuid);
    p.datapath_rows.emit({row->name, uuid});
    RouterRow out{row->name, 0};
    if (const Uuid* datapath = p.datapath_of_router.first(uuid))
        out.key = p.in.datapaths.get(*datapath)->tunnel_key;
    p.router_rows.emit(std::move(out));
}

void transit_router_port(Program& p, const Uuid& port) {
    const icnb::TransitRouterPort* row = p.in.transit_router_ports.get(port);
    if (!row) return;
    const std::string& router = p.transit_router_of[port].front();
    if (row->chassis.empty()) {
        p.complaints.emit("Transit_Router_Port " + row->name + ": it has no chassis, so it is nowhere");
        return;
    }
    tell(p, port, *row, router);
    // The key is its chassis' zone's to choose.
    const Uuid* told = p.ic_port_named.first(row->name);
    const Uuid* zone = p.in.zone.find({});
    const icsb::PortBinding* binding = told ? p.in.ports.get(*told) : nullptr;
    if (!binding || !zone || !is_of_router(*binding) || binding->nb_ic_uuid != port) return;
    RouterPortRow out{row->name, router, row->mac, row->chassis, row->networks, "", binding->tunnel_key};
    if (binding->availability_zone != *zone) {
        out.neighbors = get_string(binding->external_ids, kNeighbors);
        p.remote_binding_rows.emit({row->name, binding->gateway});
    }
    p.router_port_rows.emit(std::move(out));
}

void peer_of_port(Program& p, const Uuid& router_port) {
    const nb::LogicalRouterPort* row = p.in.router_ports.get(router_port);
    if (!row->peer || !p.router_of_port.contains(router_port)) return;
    const Uuid* port = p.transit_router_port_named.first(*row->peer);
    const icnb::TransitRouterPort* transit = port ? p.in.transit_router_ports.get(*port) : nullptr;
    if (transit && p.local_chassis_named.contains(transit->chassis))
        p.peer_of.emit(transit->name, router_port);
}

}  // namespace weft::ic
