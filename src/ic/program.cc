#include "ic/program.h"

#include "incremental/definitions.h"

namespace weft::ic {

using ovsdb::get_string;

namespace {

void list_ports_of_switch(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitch* row = p.in.switches.get(uuid);
    std::string name(get_string(row->other_config, "interconn-ts"));
    if (name.empty()) return;
    p.local_switch_named.emit(name, uuid);
    for (const Uuid& port : row->ports) p.transit_switch_of.emit(port, name);
}

void list_router(Program& p, const Uuid& uuid) {
    const nb::LogicalRouter* row = p.in.routers.get(uuid);
    std::string transit(get_string(row->options, "interconn-tr"));
    if (!transit.empty()) p.local_transit_router.emit(transit, uuid);
    for (const Uuid& port : row->ports) p.router_of_port.emit(port, uuid);
    for (const Uuid& route : row->static_routes) p.router_of_route.emit(route, uuid);
}

void name_switch_port(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(uuid);
    if (row->type != "remote" || !p.transit_switch_of.contains(uuid))
        p.other_port_named.emit(row->name, uuid);
}

void name_datapath(Program& p, const Uuid& uuid) {
    const icsb::DatapathBinding* row = p.in.datapaths.get(uuid);
    if (!is_of_router(*row)) {
        p.datapath_named.emit(row->transit_switch, uuid);
    } else if (row->nb_ic_uuid) {
        p.datapath_of_router.emit(*row->nb_ic_uuid, uuid);
    }
}

void list_ports_of_transit_router(Program& p, const Uuid& uuid) {
    const icnb::TransitRouter* row = p.in.transit_routers.get(uuid);
    for (const Uuid& port : row->ports) p.transit_router_of.emit(port, row->name);
}

void list_neighbor(Program& p, const Uuid& uuid) {
    const sb::MACBinding* row = p.in.neighbors.get(uuid);
    p.neighbors_at.emit(row->logical_port, row->mac + " " + row->ip);
}

}  // namespace

Program::Program()
    : name_datapaths(engine, "name_datapaths", in.datapaths,
                     [this](const Uuid& id) { name_datapath(*this, id); }),
      emit_transit_switch(engine, "emit_transit_switch", in.transit_switches,
                          [this](const Uuid& id) { transit_switch(*this, id); }),
      emit_transit_router(engine, "emit_transit_router", in.transit_routers,
                          [this](const Uuid& id) { transit_router(*this, id); }),
      name_chassis(engine, "name_chassis", in.chassis,
                   [this](const Uuid& id) { name_local_chassis(*this, id); }),
      name_gateways(engine, "name_gateways", in.gateways,
                    [this](const Uuid& id) { name_foreign_gateway(*this, id); }),
      emit_gateway(engine, "emit_gateway", in.chassis, [this](const Uuid& id) { gateway(*this, id); }),
      emit_remote_gateway(engine, "emit_remote_gateway", in.gateways,
                          [this](const Uuid& id) { remote_gateway(*this, id); }),
      list_switch_ports(engine, "list_switch_ports", in.switches,
                        [this](const Uuid& id) { list_ports_of_switch(*this, id); }),
      name_switch_ports(engine, "name_switch_ports", in.switch_ports,
                        [this](const Uuid& id) { name_switch_port(*this, id); }),
      list_routers(engine, "list_routers", in.routers, [this](const Uuid& id) { list_router(*this, id); }),
      name_router_ports(
          engine, "name_router_ports", in.router_ports,
          [this](const Uuid& id) { router_port_named.emit(in.router_ports.get(id)->name, id); }),
      name_ic_ports(engine, "name_ic_ports", in.ports,
                    [this](const Uuid& id) { ic_port_named.emit(in.ports.get(id)->logical_port, id); }),
      emit_local_port(engine, "emit_local_port", transit_switch_of,
                      [this](const Uuid& id) { local_port(*this, id); }),
      emit_remote_port(engine, "emit_remote_port", in.ports,
                       [this](const Uuid& id) { remote_port(*this, id); }),
      list_transit_routers(engine, "list_transit_routers", in.transit_routers,
                           [this](const Uuid& id) { list_ports_of_transit_router(*this, id); }),
      list_neighbors(engine, "list_neighbors", in.neighbors,
                     [this](const Uuid& id) { list_neighbor(*this, id); }),
      name_transit_router_ports(engine, "name_transit_router_ports", transit_router_of,
                                [this](const Uuid& id) {
                                    if (const auto* row = in.transit_router_ports.get(id))
                                        transit_router_port_named.emit(row->name, id);
                                }),
      list_peers(engine, "list_peers", in.router_ports, [this](const Uuid& id) { peer_of_port(*this, id); }),
      emit_transit_router_port(engine, "emit_transit_router_port", transit_router_of,
                               [this](const Uuid& id) { transit_router_port(*this, id); }),
      route_policy(engine, "route_policy", [this](const Unit&) { return compute_route_policy(*this); }),
      list_own_routes(engine, "list_own_routes", in.routes, [this](const Uuid& id) { own_route(*this, id); }),
      list_links(engine, "list_links", transit_switch_of,
                 [this](const Uuid& id) { link_of_port(*this, id); }),
      list_router_links(engine, "list_router_links", in.router_ports,
                        [this](const Uuid& id) { link_of_router_port(*this, id); }),
      list_networks(engine, "list_networks", in.router_ports,
                    [this](const Uuid& id) { networks_of_port(*this, id); }),
      advertise_static(engine, "advertise_static", in.routes,
                       [this](const Uuid& id) { advertise_static_route(*this, id); }),
      advertise_connected(engine, "advertise_connected", in.router_ports,
                          [this](const Uuid& id) { advertise_networks(*this, id); }),
      advertise(engine, "advertise", advertisable,
                [this](const RouteName& name) { route_rows.emit(*advertisable.first(name)); }),
      learn(engine, "learn", in.advertised, [this](const Uuid& id) { learn_route(*this, id); }) {}

Program::~Program() = default;

}  // namespace weft::ic
