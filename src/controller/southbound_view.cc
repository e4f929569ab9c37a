#include "controller/southbound_view.h"

#include <algorithm>

#include "incremental/definitions.h"

namespace weft::controller {

namespace sb = schema::sb;

SouthboundView::SouthboundView() = default;
SouthboundView::~SouthboundView() = default;

void SouthboundView::depend_on(std::initializer_list<Outside> parts) {
    for (Outside part : parts) outside.find(part);
}

void SouthboundView::index_ports(const Uuid& uuid) {
    const sb::PortBinding* port = *ports.find(uuid);
    port_by_name.emit(port->logical_port, uuid);
    if (const sb::DatapathBinding* datapath = value(datapaths, port->datapath)) {
        port_by_keys.emit(
            {static_cast<uint32_t>(datapath->tunnel_key), static_cast<uint32_t>(port->tunnel_key)}, uuid);
    }
    if (port->parent_port && !port->parent_port->empty()) children.emit(*port->parent_port, uuid);
    if (!port->type.empty()) ports_by_type.emit({port->datapath, port->type}, uuid);
    if (port->chassis) ports_by_chassis.emit(*port->chassis, uuid);
    if (!port->additional_chassis.empty()) multichassis.emit(port->datapath, uuid);
    for (const Uuid& other : port->additional_chassis) ports_by_chassis.emit(other, uuid);
    if (port->requested_chassis) requested.emit(*port->requested_chassis, uuid);
    for (const char* option : {"l3gateway-chassis", "l2gateway-chassis"}) {
        if (const std::string* name = port->options.find(option)) gateways.emit(*name, uuid);
    }
    if (port->virtual_parent && !port->virtual_parent->empty())
        virtual_ports.emit(*port->virtual_parent, uuid);
    if (port->type == "mirror" && port->mirror_port) mirrors.emit(*port->mirror_port, uuid);
    if (port->ha_chassis_group) ports_by_group.emit(*port->ha_chassis_group, uuid);
}

void SouthboundView::index_ha_groups(const Uuid& uuid) {
    for (const Uuid& member : (*ha_chassis_groups.find(uuid))->ha_chassis) {
        const sb::HAChassis* row = value(ha_chassis, member);
        if (row && row->chassis) groups_by_chassis.emit(*row->chassis, uuid);
    }
}

void SouthboundView::index_template_vars(const Uuid& uuid) {
    template_vars_by_chassis.emit((*template_vars.find(uuid))->chassis, uuid);
}

void SouthboundView::index_multicast(const Uuid& uuid) {
    const sb::MulticastGroup* group = *multicast_groups.find(uuid);
    multicast_by_name.emit({group->datapath, group->name}, uuid);
}

void SouthboundView::index_address_sets(const Uuid& uuid) {
    address_set_by_name.emit((*address_sets.find(uuid))->name, uuid);
}

void SouthboundView::index_port_groups(const Uuid& uuid) {
    port_group_by_name.emit((*port_groups.find(uuid))->name, uuid);
}

void SouthboundView::index_meters(const Uuid& uuid) {
    meter_by_name.emit((*meters.find(uuid))->name, uuid);
}

const sb::PortBinding* SouthboundView::port(const Uuid& uuid) {
    return value(ports, uuid);
}

const sb::PortBinding* SouthboundView::port_named(const std::string& name) {
    const Uuid* uuid = port_by_name.first(name);
    return uuid ? port(*uuid) : nullptr;
}

const LocalDatapath* SouthboundView::local_datapath(const Uuid& uuid) {
    return local_datapaths.find(uuid);
}

LocalDatapaths SouthboundView::find_local_members(const Uuid& uuid) {
    LocalDatapaths local;
    const sb::LogicalDPGroup* group = value(datapath_groups, uuid);
    if (!group) return local;
    for (const Uuid& member : group->datapaths) {
        if (const LocalDatapath* found = local_datapath(member)) local.emplace_back(member, *found);
    }
    return local;
}

const sb::PortBinding* SouthboundView::localnet_of(const Uuid& datapath) {
    const Uuid* uuid = localnets.find(datapath);
    return uuid ? port(*uuid) : nullptr;
}

uint32_t SouthboundView::physical_port(const std::string& logical_port) {
    const uint32_t* ofport = physical_ports.find(logical_port);
    return ofport ? *ofport : 0;
}

uint16_t SouthboundView::zone(const std::string& name) {
    const uint16_t* zone = ct_zones.find(name);
    return zone ? *zone : 0;
}

const Tunnel* SouthboundView::tunnel_to(const Uuid& chassis_uuid, uint16_t own_encap,
                                        const sb::Encap* encap) {
    const sb::Chassis* row = value(chassis, chassis_uuid);
    const std::vector<Tunnel>* all = row ? tunnels.find(row->name) : nullptr;
    if (!all) return nullptr;
    const Tunnel* best = nullptr;
    unsigned best_fit = 0;
    for (const Tunnel& each : *all) {
        // Where the packet goes matters more than where it leaves.
        unsigned fit = (encap && each.ip == encap->ip ? 16u : 0u) + (each.preferred ? 8u : 0u) +
                       (each.own_encap == own_encap ? 4u : 0u) + (each.own_encap == 0 ? 2u : 0u) + 1u;
        if (fit > best_fit) {
            best = &each;
            best_fit = fit;
        }
    }
    return best;
}

const sb::Encap* SouthboundView::encap_of(const sb::PortBinding& port, const Uuid& chassis_uuid) {
    if (port.chassis == chassis_uuid) return port.encap ? value(encaps, *port.encap) : nullptr;
    const sb::Chassis* row = value(chassis, chassis_uuid);
    for (const Uuid& uuid : port.additional_encap) {
        const sb::Encap* encap = value(encaps, uuid);
        if (row && encap && encap->chassis_name == row->name) return encap;
    }
    return nullptr;
}

std::vector<uint16_t> SouthboundView::own_encaps() {
    std::vector<uint16_t> all{0};
    if (const std::vector<uint16_t>* others = other_encaps.find({}))
        all.insert(all.end(), others->begin(), others->end());
    return all;
}

bool SouthboundView::is_own_chassis(const std::optional<Uuid>& chassis_uuid) {
    const Uuid* own = own_chassis.find({});
    return own && chassis_uuid && *own == *chassis_uuid;
}

bool SouthboundView::is_here(const sb::PortBinding& row) {
    const Uuid* own = own_chassis.find({});
    return own && ((row.chassis && *row.chassis == *own) || row.additional_chassis.contains(*own));
}

std::optional<std::string> SouthboundView::template_value(const std::string& name) {
    const Uuid* own = own_chassis.find({});
    const sb::Chassis* row = own ? value(chassis, *own) : nullptr;
    const Uuid* uuid = row ? template_vars_by_chassis.first(row->name) : nullptr;
    const sb::ChassisTemplateVar* vars = uuid ? value(template_vars, *uuid) : nullptr;
    const std::string* found = vars ? vars->variables.find(name) : nullptr;
    return found ? std::optional(*found) : std::nullopt;
}

}  // namespace weft::controller
