#include "controller/own_ports.h"

#include "controller/ct_zone_limits.h"
#include "incremental/definitions.h"

namespace weft::incremental {

// Of the keyed steps (steps.h).
template class CellTable<Uuid>;
template class CellTable<std::string>;

}  // namespace weft::incremental

namespace weft::controller {

namespace sb = schema::sb;

OwnPorts::OwnPorts(SouthboundView& southbound_view) : view(southbound_view) {}
OwnPorts::~OwnPorts() = default;

const sb::PortBinding* OwnPorts::row_named(const std::string& name) {
    const Uuid* uuid = by_name.first(name);
    return uuid ? view.port(*uuid) : nullptr;
}

void OwnPorts::emit_bound() {
    const Uuid* own = view.own_chassis.find({});
    if (!own) return;
    for (const Uuid& uuid : view.ports_by_chassis[*own]) {
        rows.emit(uuid, {});
        candidates.emit(uuid, {});
    }
}

void OwnPorts::emit_asked_for() {
    const Uuid* own = view.own_chassis.find({});
    const sb::Chassis* chassis = own ? view.value(view.chassis, *own) : nullptr;
    if (!chassis) return;
    for (const Uuid& uuid : view.gateways[chassis->name]) candidates.emit(uuid, {});
    for (const Uuid& group : view.groups_by_chassis[*own]) {
        for (const Uuid& uuid : view.ports_by_group[group]) {
            candidates.emit(uuid, {});
            datapaths.emit(view.port(uuid)->datapath, {});
        }
    }
}

void OwnPorts::emit_interface(const std::string& name) {
    const Uuid* uuid = view.port_by_name.first(name);
    if (!uuid) return;
    zone_names.emit(name);
    candidates.emit(*uuid, {});
    // A localport is on every chassis and bound to none.
    const sb::PortBinding* port = view.port(*uuid);
    if (port->type == "localport" && view.own_chassis.find({})) datapaths.emit(port->datapath, {});
    for (const Uuid& mirror : view.mirrors[name]) candidates.emit(mirror, {});
    for (const Uuid& child : view.children[name]) {
        candidates.emit(child, {});
        for (const Uuid& mirror : view.mirrors[view.port(child)->logical_port]) candidates.emit(mirror, {});
    }
}

void OwnPorts::emit_port(const Uuid& uuid) {
    const sb::PortBinding* port = view.port(uuid);
    by_name.emit(port->logical_port, uuid);
    datapaths.emit(port->datapath, {});
    zone_names.emit(port->logical_port);
    if (port->type == "l2gateway") with.emit(Trait::kL2Gateway, uuid);
    if (port->options.contains("qdisc_queue_id")) with.emit(Trait::kQueue, uuid);
    if (!port->mirror_rules.empty()) with.emit(Trait::kMirrored, uuid);
}

// Two zones for each datapath, and one for each of its ports that packets can enter or leave by here.
void OwnPorts::emit_datapath(const Uuid& uuid) {
    const std::string text = uuid.to_string();
    zone_names.emit(text + "_dnat");
    zone_names.emit(text + "_snat");
    for (const Uuid& port : view.ports_by_type[{uuid, "localnet"}])
        zone_names.emit(view.port(port)->logical_port);
    for (const char* type : {"patch", "l3gateway"}) {
        for (const Uuid& each : view.ports_by_type[{uuid, type}]) {
            const sb::PortBinding* port = view.port(each);
            if (ovsdb::get_bool(port->options, "enable_router_port_acl")) zone_names.emit(port->logical_port);
        }
    }
    const sb::DatapathBinding* datapath = view.value(view.datapaths, uuid);
    int64_t zone = datapath ? ovsdb::get_int(datapath->external_ids, "snat-ct-zone", -1) : -1;
    if (zone >= 0 && zone <= 0xffff) requested_zones.emit(text + "_snat", static_cast<uint16_t>(zone));
}

void OwnPorts::emit_zone_limit(const std::string& name) {
    if (auto limit = limit_of_zone(view, name)) zone_limits.emit(view.zone(name), *limit);
}

}  // namespace weft::controller
