#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/dynamic_routing.h"
#include "northd/program.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

namespace {

PortType port_type(std::string_view type) {
    if (type.empty()) return PortType::kVif;
    if (type == "router") return PortType::kRouter;
    if (type == "localnet") return PortType::kLocalnet;
    if (type == "localport") return PortType::kLocalport;
    if (type == "l2gateway") return PortType::kL2gateway;
    if (type == "vtep") return PortType::kVtep;
    if (type == "external") return PortType::kExternal;
    if (type == "virtual") return PortType::kVirtual;
    if (type == "remote") return PortType::kRemote;
    if (type == "switch") return PortType::kSwitch;
    return PortType::kUnknown;
}

// "A", "A B" or "router_ip", of options:*_force_snat_ip.
std::vector<std::string> force_snat_addresses(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view word : split(text, " ,")) {
        if (auto endpoint = parse_endpoint(word)) out.push_back(endpoint->address);
    }
    return out;
}

// `dynamic`: what northd chose for the port, or null.
void parse_port_addresses(SwitchPort& out, const nb::LogicalSwitchPort& row, const std::string* dynamic) {
    for (const std::string& text : row.addresses) {
        if (text == "unknown") {
            out.unknown = true;
        } else if (text == "router") {
            out.router_address = true;
        } else if (parse_dynamic_request(text)) {
            if (!dynamic) continue;
            if (auto parsed = parse_addresses(*dynamic)) out.addresses.push_back(*parsed);
            dynamic = nullptr;  // one is chosen, whatever else is asked for
        } else if (auto parsed = parse_addresses(text)) {
            out.addresses.push_back(std::move(*parsed));
        } else {
            out.bad_addresses.push_back(text);
        }
    }
}

// The port of another switch that a port of type switch is joined to; both name each other in `peer`.
std::string joined_port(Program& p, const nb::LogicalSwitchPort& row) {
    const Uuid* uuid = row.peer ? p.switch_port_named.first(*row.peer) : nullptr;
    const nb::LogicalSwitchPort* other = uuid ? p.in.switch_ports.get(*uuid) : nullptr;
    if (!other || other->type != "switch" || other->peer != row.name || *uuid == row.uuid) return "";
    return other->name;
}

}  // namespace

// NB_Global:options:debug_drop_collector_set and debug_drop_domain_id: dropped packets are sampled.  The
// domain of a Sampling_App comes before that of the option.
std::string drop_sample(const ovsdb::StringMap& options, int64_t app) {
    int64_t set = get_int(options, "debug_drop_collector_set"),
            domain = app ? app : get_int(options, "debug_drop_domain_id");
    if (set <= 0) return "";
    return fmt::format("sample(probability=65535,collector_set={},obs_domain={},obs_point=$cookie); ", set,
                       domain & 0xff);
}

Globals compute_globals(Program& p) {
    Globals out;
    for (const Uuid& uuid : p.in.global.keys()) {
        const auto& options = p.in.global.get(uuid)->options;
        out.svc_monitor_mac = get_string(options, "svc_monitor_mac");
        out.svc_monitor_mac_dst = get_string(options, "svc_monitor_mac_dst");
        out.svc_monitor_ip = get_string(options, "svc_monitor_ip");
        out.svc_monitor_ip_dst = get_string(options, "svc_monitor_ip_dst");
        out.mac_prefix = get_string(options, "mac_prefix");
        out.use_ct_inv_match = get_bool(options, "use_ct_inv_match", true);
        out.ignore_lsp_down = get_bool(options, "ignore_lsp_down", true);
        out.default_acl_drop = get_bool(options, "default_acl_drop");
        out.install_ls_lb_from_router = get_bool(options, "install_ls_lb_from_router");
        out.controller_event = get_bool(options, "controller_event");
        out.watch_ecmp_nexthops = get_bool(options, "ecmp_nexthop_monitor_enable");
        out.dnat_sets_eth_dst = get_bool(options, "ls_dnat_mod_dl_dst");
        out.drop_sample = drop_sample(options, p.sampling_apps({}).drop);
    }
    return out;
}

SamplingApps compute_sampling_apps(Program& p) {
    SamplingApps out;
    for (const Uuid& uuid : p.in.sampling_apps.keys()) {
        const nb::SamplingApp& row = *p.in.sampling_apps.get(uuid);
        if (row.type == "drop") out.drop = row.id;
        if (row.type == "acl-new") out.acl_new = row.id;
        if (row.type == "acl-est") out.acl_established = row.id;
    }
    return out;
}

Switch compute_switch(Program& p, const Uuid& uuid) {
    Switch out;
    const nb::LogicalSwitch* row = p.in.switches.get(uuid);
    if (!row) return out;
    const auto& config = row->other_config;
    out.uuid = uuid;
    out.name = row->name;
    out.vlan_passthru = get_bool(config, "vlan-passthru");
    for (const Uuid& dns : row->dns_records) {
        const nb::DNS* record = p.in.dns.get(dns);
        if (record && !record->records.empty()) out.has_dns = true;
    }
    out.mcast_snoop = get_bool(config, "mcast_snoop");
    out.mcast_flood_unregistered = get_bool(config, "mcast_flood_unregistered");
    out.mcast_querier = get_bool(config, "mcast_querier", true);
    out.mcast_eth_src = get_string(config, "mcast_eth_src");
    out.mcast_ip4_src = get_string(config, "mcast_ip4_src");
    out.mcast_ip6_src = get_string(config, "mcast_ip6_src");
    out.is_interconnection = config.contains("interconn-ts");
    out.advertises_ips = advertises_ips(config);
    out.stateless_acl_with_lb = get_bool(config, "enable-stateless-acl-with-lb");
    out.dhcp_relay_port = get_string(config, "dhcp_relay_port");
    out.broadcast_arps_to_all_routers = get_bool(config, "broadcast-arps-to-all-routers", true);
    out.copp = row->copp;
    return out;
}

Router compute_router(Program& p, const Uuid& uuid) {
    Router out;
    const nb::LogicalRouter* row = p.in.routers.get(uuid);
    if (!row) return out;
    const auto& options = row->options;
    out.uuid = uuid;
    out.name = row->name;
    out.enabled = row->enabled.value_or(true);
    out.chassis = get_string(options, "chassis");
    out.learn_from_arp_request = get_bool(options, "always_learn_from_arp_request", true);
    out.dynamic_neigh_routers = get_bool(options, "dynamic_neigh_routers");
    out.mcast_relay = get_bool(options, "mcast_relay");
    std::string_view force = get_string(options, "lb_force_snat_ip");
    out.lb_force_snat_router_ip = out.is_gateway() && force == "router_ip";
    if (force != "router_ip") out.lb_force_snat = force_snat_addresses(force);
    out.dnat_force_snat = force_snat_addresses(get_string(options, "dnat_force_snat_ip"));
    out.copp = row->copp;
    out.options = options;
    return out;
}

RouterPort compute_router_port(Program& p, const Uuid& uuid) {
    RouterPort out;
    const nb::LogicalRouterPort* row = p.in.router_ports.get(uuid);
    if (!row) return out;
    out.uuid = uuid;
    if (const Uuid* router = p.router_of.first(uuid)) out.router = *router;
    out.name = row->name;
    out.quoted = quoted(row->name);
    out.enabled = row->enabled.value_or(true);
    std::string text = row->mac;
    for (const std::string& network : row->networks) text += " " + network;
    if (auto parsed = parse_addresses(text)) {
        out.addresses = std::move(*parsed);
        out.addresses.ip6.push_back(link_local(out.addresses.eth));
    }
    bool on_gateway_router = p.router(out.router).is_gateway();
    out.is_distributed_gateway =
        !on_gateway_router && (!row->gateway_chassis.empty() || row->ha_chassis_group.has_value());
    if (out.is_distributed_gateway) {
        out.redirect_name = "cr-" + row->name;
        out.redirect_quoted = quoted(out.redirect_name);
    }
    out.peer_name = row->peer.value_or("");
    out.dhcp_relay = row->dhcp_relay;
    out.options = row->options;
    out.ra_configs = row->ipv6_ra_configs;
    for (const std::string& prefix : row->ipv6_prefix) out.ipv6_prefix.push_back(prefix);
    return out;
}

SwitchPort compute_port(Program& p, const Uuid& uuid) {
    SwitchPort out;
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(uuid);
    if (!row) return out;
    out.uuid = uuid;
    if (const Uuid* sw = p.switch_of.first(uuid)) out.switch_uuid = *sw;
    out.name = row->name;
    out.quoted = quoted(row->name);
    out.type = port_type(row->type);
    out.enabled = row->enabled.value_or(true);
    out.up = !p.globals({}).ignore_lsp_down && row->up.value_or(false);
    out.has_port_security = !row->port_security.empty();
    parse_port_addresses(out, *row, p.in.dynamic_addresses.find(uuid));
    out.peer_name = get_string(row->options, "router-port");
    if (out.type == PortType::kRouter && !out.peer_name.empty()) {
        if (const Uuid* peer = p.router_port_named.first(out.peer_name)) out.peer = *peer;
    }
    if (out.type == PortType::kSwitch) out.peer_name = joined_port(p, *row);
    if (out.router_address && !out.peer.is_zero()) {
        const RouterPort& peer = p.router_port(out.peer);
        out.addresses.insert(out.addresses.begin(), peer.addresses);
    }
    out.is_nested = row->parent_name && !row->parent_name->empty();
    if (const int64_t* queue = p.in.queues.find(uuid)) out.queue = *queue;
    out.dhcp4 = row->dhcpv4_options;
    out.dhcp6 = row->dhcpv6_options;
    out.options = row->options;
    return out;
}

std::vector<Uuid> compute_router_ports(Program& p, const Uuid& router) {
    std::vector<Uuid> out;
    const nb::LogicalRouter* row = p.in.routers.get(router);
    if (!row) return out;
    for (const Uuid& port : row->ports) {
        if (!p.router_port(port).addresses.mac.empty()) out.push_back(port);
    }
    return out;
}

}  // namespace weft::northd
