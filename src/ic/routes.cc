// Routes: what routers on transit switches know is advertised to the other zones, and what those advertise is
// learnt by the routers on the same switch (ovn-nb(5), NB_Global:options:ic-route-*).

#include "ic/program.h"

namespace weft::ic {

using ovsdb::get_string;

namespace {

// The addresses of a router port with their prefix lengths.
std::vector<Prefix> networks_of(const nb::LogicalRouterPort& port) {
    std::vector<Prefix> out;
    for (const std::string& each : port.networks) {
        if (auto prefix = parse_prefix(each)) out.push_back(*std::move(prefix));
    }
    return out;
}

// The address by which the others reach the router on the transit switch; "": none of the family.
std::string next_hop(const nb::LogicalRouterPort& port, bool is_ip6) {
    for (const Prefix& network : networks_of(port)) {
        if (network.is_ip6() == is_ip6) return network.address_text();
    }
    auto mac = is_ip6 ? northd::parse_mac(port.mac) : std::nullopt;
    return mac ? northd::link_local(*mac).address : "";
}

bool is_ip6_link_local(const Prefix& address) {
    return address.is_ip6() && address.is_link_local();
}

std::string table_of(const nb::LogicalRouterPort& port) {
    return std::string(get_string(port.options, "route_table"));
}

}  // namespace

RoutePolicy compute_route_policy(Program& p) {
    for (const Uuid& uuid : p.in.global.keys()) return parse_route_policy(p.in.global.get(uuid)->options);
    return {};
}

void link_of_port(Program& p, const Uuid& port) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port);
    if (!row || row->type != "router") return;
    const Uuid* peer = p.router_port_named.first(std::string(get_string(row->options, "router-port")));
    const Uuid* router = peer ? p.router_of_port.first(*peer) : nullptr;
    if (!router) return;
    Link link{p.transit_switch_of[port].front(), *router, *peer};
    p.links_of_router.emit(*router, link);
    p.links_of_switch.emit(link.transit_switch, link);
    p.switches_of_router_port.emit(*peer, link.transit_switch);
}

namespace {

bool is_learned(const nb::LogicalRouterStaticRoute& row) {
    return row.external_ids.contains("ic-learned-route");
}

void advertise(Program& p, RouteRow row) {
    RouteName name{row.transit_switch, row.table, row.prefix, row.nexthop};
    p.advertisable.emit(name, std::move(row));
}

}  // namespace

void own_route(Program& p, const Uuid& route) {
    const Uuid* router = p.router_of_route.first(route);
    const nb::LogicalRouterStaticRoute* row = p.in.routes.get(route);
    if (router && !is_learned(*row)) p.own_routes.emit({*router, row->route_table, row->ip_prefix}, route);
}

void advertise_static_route(Program& p, const Uuid& route) {
    const Uuid* router = p.router_of_route.first(route);
    if (!router) return;
    const nb::LogicalRouterStaticRoute* row = p.in.routes.get(route);
    if (is_learned(*row) || row->policy == "src-ip") return;
    auto prefix = parse_prefix(row->ip_prefix);
    auto hop = parse_prefix(row->nexthop);
    if (!prefix || !hop || is_ip6_link_local(*hop) || !p.route_policy({}).advertises(*prefix)) return;
    for (const Link& link : p.links_of_router[*router]) {
        const nb::LogicalRouterPort& port = *p.in.router_ports.get(link.port);
        if (table_of(port) != row->route_table) continue;
        std::string own = next_hop(port, prefix->is_ip6());
        if (own.empty()) continue;
        advertise(p, {link.transit_switch, row->route_table, prefix->text(), own, "static", route});
    }
}

void advertise_networks(Program& p, const Uuid& router_port) {
    const Uuid* router = p.router_of_port.first(router_port);
    if (!router || p.switches_of_router_port.contains(router_port)) return;
    const RoutePolicy& policy = p.route_policy({});
    for (const Prefix& network : networks_of(*p.in.router_ports.get(router_port))) {
        if (!policy.advertises(network)) continue;
        for (const Link& link : p.links_of_router[*router]) {
            std::string own = next_hop(*p.in.router_ports.get(link.port), network.is_ip6());
            if (own.empty()) continue;
            advertise(p, {link.transit_switch, "", network.text(), own, "connected", router_port});
        }
    }
}

// The operator's own routes to a prefix count more than learned ones.
void learn_route(Program& p, const Uuid& advertised) {
    const icsb::Route* row = p.in.advertised.get(advertised);
    const Uuid* zone = p.in.zone.find({});
    if (!zone || row->availability_zone == *zone) return;
    auto prefix = parse_prefix(row->ip_prefix);
    auto hop = parse_prefix(row->nexthop);
    if (!prefix || !hop || is_ip6_link_local(*hop) || !p.route_policy({}).learns(*prefix)) return;
    for (const Link& link : p.links_of_switch[row->transit_switch]) {
        const nb::LogicalRouterPort& port = *p.in.router_ports.get(link.port);
        if (!row->route_table.empty() && table_of(port) != row->route_table) continue;
        if (p.own_routes.contains({link.router, row->route_table, row->ip_prefix})) continue;
        p.learned_route_rows.emit(
            {link.router, advertised, row->ip_prefix, row->nexthop, row->route_table, row->origin});
    }
}

}  // namespace weft::ic
