// Southbound rows of switches and routers: datapaths, ports, multicast groups, HA chassis groups.

#include <fmt/core.h>

#include <algorithm>

#include "northd/aging.h"
#include "northd/evpn_settings.h"
#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

namespace {

constexpr const char* kZoneLimit = "ct-zone-limit";

// How many connections a conntrack zone may hold: of a port, or of all of a switch or router; "" if nothing
// that is valid is said.
std::string zone_limit(Program& p, const std::string& name, const StringMap& options) {
    std::string_view text = get_string(options, kZoneLimit);
    if (text.empty()) return "";
    int64_t limit = get_int(options, kZoneLimit, -1);
    if (0 <= limit && limit <= 0xffffffff) return std::to_string(limit);
    p.complaints.emit(fmt::format("{}: {} '{}' is not between 0 and 4294967295", name, kZoneLimit, text));
    return "";
}

void datapath_row(Program& p, const Uuid& uuid, const char* kind, const std::string& name,
                  const StringMap& options, const StringMap& external_ids) {
    DatapathRow row;
    row.datapath = uuid;
    if (const int64_t* key = p.in.tunnel_keys.find(uuid)) row.key = *key;
    row.external_ids.set(kind, uuid.to_string());
    row.external_ids.set("name", name);
    for (const char* key : {"snat-ct-zone", "interconn-ts"}) {
        std::string_view value = get_string(options, key);
        if (!value.empty()) row.external_ids.set(key, std::string(value));
    }
    if (std::string limit = zone_limit(p, name, options); !limit.empty())
        row.external_ids.set(kZoneLimit, limit);
    if (!get_bool(options, "always_learn_from_arp_request", true)) {
        row.external_ids.set("always_learn_from_arp_request", "false");
    }
    std::string_view name2 = get_string(external_ids, "neutron:router_name");
    if (name2.empty()) name2 = get_string(external_ids, "neutron:network_name");
    if (!name2.empty()) row.external_ids.set("name2", std::string(name2));
    // Controllers say what is in use (controller/address_use.h).
    const char* threshold =
        std::string_view(kind) == "logical-router" ? "mac_binding_age_threshold" : "fdb_age_threshold";
    std::string_view age = get_string(options, threshold);
    if (!age.empty() && parse_age_threshold(age)) row.external_ids.set(threshold, std::string(age));
    if (std::string_view(kind) == "logical-switch") copy_evpn_settings(options, row.external_ids);
    p.datapath_rows.emit(std::move(row));
}

void age_row(Program& p, const Uuid& uuid, const char* table, const std::string& name, const char* key,
             const StringMap& options) {
    std::string text(get_string(options, key));
    if (text.empty()) return;
    if (!parse_age_threshold(text)) {
        p.complaints.emit(fmt::format("{} {}: {} '{}' is not valid", table, name, key, text));
        return;
    }
    p.age_rows.emit({uuid, std::move(text)});
}

std::vector<std::string> sorted(std::vector<std::string> list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
}

}  // namespace

void rows_of_switch(Program& p, const Switch& sw) {
    const nb::LogicalSwitch* row = p.in.switches.get(sw.uuid);
    datapath_row(p, sw.uuid, "logical-switch", row->name, row->other_config, row->external_ids);
    age_row(p, sw.uuid, "Logical_Switch", row->name, "fdb_age_threshold", row->other_config);
    MulticastRow flood{sw.uuid, "_MC_flood", kFloodKey, {}};
    MulticastRow flood_l2{sw.uuid, "_MC_flood_l2", kFloodL2Key, {}};
    MulticastRow unknown{sw.uuid, "_MC_unknown", kUnknownKey, {}};
    MulticastRow all{sw.uuid, "_MC_static", kStaticMulticastKey, {}};
    MulticastRow routers{sw.uuid, "_MC_mrouter_flood", kRouterMulticastKey, {}};
    // A network function would hand them back, to be flooded again.
    const auto functions = p.function_port_names[sw.uuid];
    for (const Uuid& uuid : row->ports) {
        const SwitchPort& port = p.port(uuid);
        if (!port.enabled || port.name.empty()) continue;
        bool is_function = std::find(functions.begin(), functions.end(), port.name) != functions.end();
        if (is_function) continue;
        if (!get_bool(port.options, "receive_multicast", true)) {
            if (port.unknown) unknown.ports.push_back(port.name);
            continue;
        }
        flood.ports.push_back(port.name);
        if (port.type != PortType::kRouter) flood_l2.ports.push_back(port.name);
        if (port.unknown) unknown.ports.push_back(port.name);
    }
    for (const std::string& port : p.multicast_flood_ports[sw.uuid]) all.ports.push_back(port);
    for (const std::string& port : p.multicast_report_ports[sw.uuid]) routers.ports.push_back(port);
    for (const Uuid& port : p.router_ports_of_switch[sw.uuid]) {
        if (p.router(p.router_port(p.port(port).peer).router).mcast_relay) {
            routers.ports.push_back(p.port(port).name);
        }
    }
    for (MulticastRow* group : {&flood, &flood_l2, &unknown, &all, &routers}) {
        if (group->ports.empty()) continue;
        group->ports = sorted(std::move(group->ports));
        p.multicast_rows.emit(std::move(*group));
    }
}

void rows_of_router(Program& p, const Router& r) {
    const nb::LogicalRouter* row = p.in.routers.get(r.uuid);
    datapath_row(p, r.uuid, "logical-router", row->name, row->options, row->external_ids);
    age_row(p, r.uuid, "Logical_Router", row->name, "mac_binding_age_threshold", row->options);
}

// VIPs that neighbours may ask the router for.
void rows_of_router_vips(Program& p, const Router& r) {
    if (!r.enabled) return;
    const VipSets& sets = p.vip_sets(r.uuid);
    const int64_t* key = p.in.tunnel_keys.find(r.uuid);
    if (!key) return;
    if (!sets.ip4.empty()) p.address_set_rows.emit({fmt::format("_rtr_lb_{}_ip4", *key), sets.ip4.all()});
    if (!sets.ip6.empty()) p.address_set_rows.emit({fmt::format("_rtr_lb_{}_ip6", *key), sets.ip6.all()});
}

namespace {

int64_t requested_port_key(Program& p, const std::string& port, const StringMap& options) {
    constexpr const char* kOption = "requested-tnl-key";
    int64_t key = get_int(options, kOption);
    if (!options.contains(std::string(kOption)) || (1 <= key && key <= kMaxPortKey)) return key;
    p.complaints.emit(fmt::format("port {}: options:{} '{}' is not between 1 and {}", port, kOption,
                                  get_string(options, kOption), kMaxPortKey));
    return 0;
}

// The chassis of Gateway_Chassis or HA_Chassis_Group, as a southbound HA_Chassis_Group of the same name.
std::string ha_group_of_router_port(Program& p, const Uuid& router, const nb::LogicalRouterPort& row) {
    HaGroupRow group;
    if (row.ha_chassis_group) {
        const nb::HAChassisGroup* ha = p.in.ha_groups.get(*row.ha_chassis_group);
        if (!ha) return "";
        group.name = ha->name;
        group.external_ids = ha->external_ids;
        for (const Uuid& member : ha->ha_chassis) {
            if (const nb::HAChassis* chassis = p.in.ha_chassis.get(member)) {
                group.members.push_back({chassis->chassis_name, chassis->priority});
            }
        }
    } else {
        group.name = row.name;
        for (const Uuid& member : row.gateway_chassis) {
            if (const nb::GatewayChassis* chassis = p.in.gateway_chassis.get(member)) {
                group.members.push_back({chassis->chassis_name, chassis->priority});
            }
        }
    }
    std::sort(group.members.begin(), group.members.end());
    std::string name = group.name;
    if (group.members.size() > 1) p.ha_use_rows.emit({router, name});
    p.ha_group_rows.emit(std::move(group));
    return name;
}

std::string ha_group_of_switch_port(Program& p, const nb::LogicalSwitchPort& row) {
    if (!row.ha_chassis_group) return "";
    const nb::HAChassisGroup* ha = p.in.ha_groups.get(*row.ha_chassis_group);
    if (!ha) return "";
    HaGroupRow group;
    group.name = ha->name;
    group.external_ids = ha->external_ids;
    for (const Uuid& member : ha->ha_chassis) {
        if (const nb::HAChassis* chassis = p.in.ha_chassis.get(member)) {
            group.members.push_back({chassis->chassis_name, chassis->priority});
        }
    }
    std::sort(group.members.begin(), group.members.end());
    p.ha_group_rows.emit(group);
    return group.name;
}

// "MAC IP…" with the prefix lengths, as a router port's Port_Binding:mac has it.
std::string router_port_mac(const nb::LogicalRouterPort& row, const RouterPort& port) {
    std::string out = port.addresses.mac;
    for (const std::string& network : row.networks) out += " " + network;
    return out;
}

// What gateways announce for a port to a router: its addresses, NAT addresses, VIPs.
std::vector<std::string> nat_addresses_of(Program& p, const SwitchPort& port, const RouterPort& peer,
                                          const Router& router) {
    std::string_view option = get_string(port.options, "nat-addresses");
    bool gateway = router.is_gateway();
    std::vector<std::string> out;
    for (const auto* options : {&port.options, &router.options}) {
        if (get_bool(*options, "disable_garp_rarp")) return out;
    }
    const RouterPort* central_port = peer.is_distributed_gateway ? &peer : redirect_gateway(p, peer);
    std::string here =
        central_port ? fmt::format(" is_chassis_resident({})", central_port->redirect_quoted) : "";
    if (option == "router" && (gateway || !p.gateway_port_list(router.uuid).empty())) {
        std::string central = peer.addresses.mac;
        bool any = false;
        for (const Uuid& uuid : p.router_nats(router.uuid)) {
            const NatFacts& nat = p.nat(uuid);
            if (nat.is_ip6) continue;  // announced by gratuitous ARP
            if (nat.is_distributed && !gateway) {
                out.push_back(fmt::format("{} {} is_chassis_resident({})", nat.external_mac, nat.external_ip,
                                          quoted(nat.logical_port)));
            } else if (std::none_of(peer.addresses.ip4.begin(), peer.addresses.ip4.end(),
                                    [&](const Ip4& own) { return own.address == nat.external_ip; })) {
                central += " " + nat.external_ip;
                any = true;
            }
        }
        if (!get_bool(port.options, "exclude-lb-vips-from-garp")) {
            const VipSummary& vips = p.router_vips(router.uuid);
            for (const auto* list : {&vips.ip4, &vips.ip6}) {
                for (const std::string& ip : *list) {
                    central += " " + ip;
                    any = true;
                }
            }
        }
        if (any) out.push_back(peer.is_distributed_gateway ? central + here : central);
    } else if (!option.empty() && option != "router") {
        if (parse_addresses(option)) out.push_back(std::string(option));
    }
    // The gateway's own addresses are announced where there is a physical network to learn them.
    bool announces = !get_bool(port.options, "nat-addresses-disabled") && peer.addresses.mac.size() &&
                     (central_port || (gateway && p.has_localnet_ports(port.switch_uuid)));
    if (announces && !peer.addresses.ip4.empty()) {
        std::string own = peer.addresses.mac;
        for (const Ip4& ip : peer.addresses.ip4) own += " " + ip.address;
        out.push_back(own + here);
    }
    return out;
}

}  // namespace

void rows_of_switch_port(Program& p, const SwitchPort& port) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port.uuid);
    if (!row || port.switch_uuid.is_zero()) return;
    PortRow out;
    out.name = row->name;
    out.datapath = port.switch_uuid;
    out.requested_key = requested_port_key(p, row->name, row->options);
    for (const std::string& text : row->addresses) out.mac.push_back(text);
    for (const std::string& text : row->port_security) out.port_security.push_back(text);
    out.external_ids = row->external_ids;
    if (port.type == PortType::kRouter) {
        const Router* router = nullptr;
        const RouterPort* peer = nullptr;
        if (!port.peer.is_zero()) {
            peer = &p.router_port(port.peer);
            router = &p.router(peer->router);
        }
        bool gateway = router && router->is_gateway();
        out.type = gateway ? "l3gateway" : "patch";
        if (!port.peer_name.empty()) out.options.set("peer", port.peer_name);
        if (gateway) out.options.set("l3gateway-chassis", router->chassis);
        if (has_own_zone(port)) {
            out.options.set("enable_router_port_acl", "true");
            if (std::string limit = zone_limit(p, row->name, row->options); !limit.empty())
                out.options.set(kZoneLimit, limit);
        }
        if (router) {
            out.nat_addresses = nat_addresses_of(p, port, *peer, *router);
            std::sort(out.nat_addresses.begin(), out.nat_addresses.end());
        }
    } else if (port.type == PortType::kSwitch) {
        out.type = "patch";
        if (port.peer_name.empty()) {
            p.complaints.emit(
                fmt::format("Logical_Switch_Port {}: type switch needs a peer of type switch that names it; "
                            "it leads nowhere",
                            row->name));
        } else {
            out.options.set("peer", port.peer_name);
        }
    } else {
        out.type = row->type;
        out.options = row->options;
        if (zone_limit(p, row->name, row->options).empty()) out.options.erase(std::string(kZoneLimit));
        const auto functions = p.function_port_names[port.switch_uuid];
        if (std::find(functions.begin(), functions.end(), row->name) != functions.end())
            out.options.set("is-nf", "true");  // network_function.h
        if (p.switch_(port.switch_uuid).vlan_passthru) out.options.set("vlan-passthru", "true");
        out.options.erase(std::string("qdisc_queue_id"));
        if (port.queue) out.options.set("qdisc_queue_id", std::to_string(port.queue));
        // The first is where the port lives, the others are where it is about to (live migration).
        bool is_first = true;
        for (std::string_view name : split(get_string(row->options, "requested-chassis"), ",")) {
            if (is_first) {
                out.requested_chassis = name;
            } else {
                out.additional_chassis.emplace_back(name);
            }
            is_first = false;
        }
        out.parent = row->parent_name;
        const int64_t* tag = p.in.tags.find(port.uuid);
        out.tag = tag ? std::optional(*tag) : row->tag;
        if (port.type == PortType::kExternal) out.ha_group = ha_group_of_switch_port(p, *row);
    }
    for (const Uuid& uuid : row->mirror_rules) {
        const nb::Mirror* mirror = p.in.mirrors.get(uuid);
        if (mirror && !is_logical(*mirror)) out.mirrors.push_back(mirror->name);
    }
    if (port.type == PortType::kUnknown) {
        p.complaints.emit(fmt::format("Logical_Switch_Port {}: unknown type '{}'", row->name, row->type));
    }
    if (out.type == "router") out.type = "patch";
    bool is_patch = port.type == PortType::kRouter || port.type == PortType::kSwitch;
    bool up = false;
    if (!is_patch) {
        const BindingState* binding = p.in.bindings.find(row->name);
        if (binding && !binding->chassis.is_zero()) {
            p.bound_rows.emit({port.switch_uuid, binding->chassis});
        }
        up = binding && binding->up && (!binding->chassis.is_zero() || port.type == PortType::kLocalport);
    } else {
        up = !port.peer.is_zero() || (port.type == PortType::kSwitch && !port.peer_name.empty());
    }
    p.port_status_rows.emit({port.uuid, up});
    p.port_rows.emit(std::move(out));
}

namespace {

// What hosts want to know that exchange routes for the port.
void dynamic_routing_options(const nb::LogicalRouterPort& row, const Router& router, StringMap& out) {
    out.set("dynamic-routing", "true");
    for (const char* key :
         {"dynamic-routing-maintain-vrf", "dynamic-routing-port-name", "dynamic-routing-no-learning",
          "dynamic-routing-vrf-name", "dynamic-routing-vrf-id"}) {
        std::string_view value = get_string(row.options, key);
        if (value.empty()) value = get_string(router.options, key);
        if (!value.empty()) out.set(key, std::string(value));
    }
}

}  // namespace

void rows_of_router_port(Program& p, const Router& router, const RouterPort& port) {
    const nb::LogicalRouterPort* row = p.in.router_ports.get(port.uuid);
    PortRow out;
    out.name = row->name;
    out.datapath = port.router;
    out.external_ids = row->external_ids;
    out.requested_key = requested_port_key(p, row->name, row->options);
    out.mac.push_back(router_port_mac(*row, port));
    // A port of a transit router that is at a gateway of another zone.
    std::string chassis(get_string(row->options, "requested-chassis"));
    if (!chassis.empty() && p.in.remote_chassis.find(chassis)) {
        out.type = "remote";
        out.requested_chassis = chassis;
        p.port_rows.emit(std::move(out));
        return;
    }
    std::string peer = port.peer_name;
    if (const Uuid* other = p.router_port_named.first(peer)) {
        const Uuid& there = p.router_port(*other).router;
        if (!there.is_zero()) p.link_rows.emit({port.router, there});
    }
    if (const Uuid* lsp = p.switch_ports_at.first(port.uuid)) peer = p.port(*lsp).name;
    out.type = router.is_gateway() ? "l3gateway" : "patch";
    if (!peer.empty()) out.options.set("peer", peer);
    if (router.is_gateway()) out.options.set("l3gateway-chassis", router.chassis);
    if (port.is_distributed_gateway && !peer.empty())
        out.options.set("chassis-redirect-port", port.redirect_name);
    for (const char* key : {"prefix_delegation", "prefix"}) {
        std::string_view value = get_string(row->options, key);
        if (!value.empty()) {
            out.options.set(std::string("ipv6_") + key, std::string(value));
        }
    }
    periodic_advertisement_options(port, out.options);
    if (get_bool(router.options, "dynamic-routing")) dynamic_routing_options(*row, router, out.options);
    if (port.is_distributed_gateway) {
        PortRow redirect;
        redirect.name = port.redirect_name;
        redirect.datapath = port.router;
        redirect.type = "chassisredirect";
        redirect.mac = out.mac;
        redirect.external_ids = row->external_ids;
        redirect.ha_group = ha_group_of_router_port(p, port.router, *row);
        redirect.options.set("distributed-port", row->name);
        std::string_view type = get_string(row->options, "redirect-type");
        if (!type.empty()) redirect.options.set("redirect-type", std::string(type));
        const BindingState* bound = p.in.bindings.find(port.redirect_name);
        p.gateway_status_rows.emit({port.uuid, bound ? bound->chassis : Uuid()});
        bool has_distributed_nat = false;
        for (const Uuid& uuid : p.router_nats(port.router)) has_distributed_nat |= p.nat(uuid).is_distributed;
        if (!has_distributed_nat && get_string(row->options, "redirect-type") != "bridged") {
            redirect.options.set("always-redirect", "true");
        }
        p.port_rows.emit(std::move(redirect));
    }
    p.port_rows.emit(std::move(out));
}

}  // namespace weft::northd
