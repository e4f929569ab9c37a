// Routes: what routers on transit switches know is advertised to the other zones, and what those advertise is
// learnt by the routers on the same switch (ovn-nb(5), NB_Global:options:ic-route-*).
//
// Over a transit router it is the same with two steps: its copy in each zone learns what the routers at its
// ports advertise, in this zone and the others, and those routers learn what the other ones advertise, by way
// of it. It has one table, so routes of other tables are not told over it
// (docs/decisions/0110-routes-over-transit-routers.md).

#include <algorithm>

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

// Without host bits, so that networks of one name are the same.
std::string network_text(const Prefix& prefix) {
    return prefix.ip4 ? prefix.ip4->network_text() : prefix.ip6->network_text();
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
    Link link{p.transit_switch_of[port].front(), *router, *peer, {}};
    p.links_of_router.emit(*router, link);
    p.links_of_switch.emit(link.transit_switch, link);
    p.switches_of_router_port.emit(*peer, link.transit_switch);
}

void link_of_router_port(Program& p, const Uuid& port) {
    const nb::LogicalRouterPort* row = p.in.router_ports.get(port);
    const Uuid* router = p.router_of_port.first(port);
    if (!row->peer || !router) return;
    const Uuid* transit = p.transit_router_port_named.first(*row->peer);
    const Uuid* peer = p.router_port_named.first(*row->peer);
    if (!transit || !peer || !p.router_of_port.contains(*peer)) return;
    bool here = false;
    for (const Uuid& each : p.peer_of[*row->peer]) here |= each == port;
    if (!here) return;
    Link link{p.transit_router_of[*transit].front(), *router, port, *peer};
    p.links_of_router.emit(*router, link);
    p.links_of_switch.emit(link.transit_switch, link);
}

void networks_of_port(Program& p, const Uuid& port) {
    const Uuid* router = p.router_of_port.first(port);
    if (!router) return;
    for (const Prefix& network : networks_of(*p.in.router_ports.get(port)))
        p.networks_of_router.emit(*router, network_text(network));
}

namespace {

bool is_learned(const nb::LogicalRouterStaticRoute& row) {
    return row.external_ids.contains("ic-learned-route");
}

void advertise(Program& p, RouteRow row) {
    RouteName name{row.transit_switch, row.table, row.prefix, row.nexthop};
    p.advertisable.emit(name, std::move(row));
}

// Over a transit router: not what leads to it.
bool may_tell(Program& p, const Link& link, const nb::LogicalRouterStaticRoute& row, const Prefix& hop) {
    if (!row.route_table.empty()) return false;
    for (const Prefix& address : networks_of(*p.in.router_ports.get(link.peer))) {
        if (address.is_ip6() == hop.is_ip6() && address.address_text() == hop.address_text()) return false;
    }
    return true;
}

}  // namespace

void own_route(Program& p, const Uuid& route) {
    const Uuid* router = p.router_of_route.first(route);
    const nb::LogicalRouterStaticRoute* row = p.in.routes.get(route);
    if (!router || is_learned(*row)) return;
    p.own_routes.emit({*router, row->route_table, row->ip_prefix}, route);
    auto prefix = parse_prefix(row->ip_prefix);
    if (prefix && row->route_table.empty() && row->policy != "src-ip")
        p.networks_of_router.emit(*router, network_text(*prefix));
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
        if (link.peer.is_zero() ? table_of(port) != row->route_table : !may_tell(p, link, *row, *hop))
            continue;
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

namespace {

// Not where the operator has a route to it, or the router is there itself.
bool may_learn(Program& p, const Uuid& router, const Prefix& prefix) {
    for (const std::string& network : p.networks_of_router[router]) {
        if (network == network_text(prefix)) return false;
    }
    return true;
}

// The copy of the transit router goes to who advertised it; the routers at its ports go to the copy.
void learn_over_router(Program& p, const Uuid& advertised, const icsb::Route& row, const Prefix& prefix) {
    if (!row.route_table.empty()) return;
    for (const Uuid& router : p.local_transit_router[row.transit_switch]) {
        if (may_learn(p, router, prefix))
            p.learned_route_rows.emit({router, advertised, row.ip_prefix, row.nexthop, "", row.origin});
    }
    std::vector<Uuid> done;  // a router may be at several ports
    for (const Link& link : p.links_of_switch[row.transit_switch]) {
        if (link.peer.is_zero() || std::ranges::find(done, link.router) != done.end()) continue;
        bool own = false;
        for (const Link& other : p.links_of_router[link.router])
            own |= next_hop(*p.in.router_ports.get(other.port), prefix.is_ip6()) == row.nexthop;
        std::string hop = next_hop(*p.in.router_ports.get(link.peer), prefix.is_ip6());
        auto address = parse_prefix(hop);
        if (own || !address || is_ip6_link_local(*address) || !may_learn(p, link.router, prefix)) continue;
        done.push_back(link.router);
        p.learned_route_rows.emit({link.router, advertised, row.ip_prefix, hop, "", row.origin});
    }
}

}  // namespace

// The operator's own routes to a prefix count more than learned ones.
void learn_route(Program& p, const Uuid& advertised) {
    const icsb::Route* row = p.in.advertised.get(advertised);
    const Uuid* zone = p.in.zone.find({});
    if (!zone) return;
    auto prefix = parse_prefix(row->ip_prefix);
    auto hop = parse_prefix(row->nexthop);
    if (!prefix || !hop || is_ip6_link_local(*hop) || !p.route_policy({}).learns(*prefix)) return;
    learn_over_router(p, advertised, *row, *prefix);
    if (row->availability_zone == *zone) return;
    for (const Link& link : p.links_of_switch[row->transit_switch]) {
        if (!link.peer.is_zero()) continue;
        const nb::LogicalRouterPort& port = *p.in.router_ports.get(link.port);
        if (!row->route_table.empty() && table_of(port) != row->route_table) continue;
        if (p.own_routes.contains({link.router, row->route_table, row->ip_prefix})) continue;
        p.learned_route_rows.emit(
            {link.router, advertised, row->ip_prefix, row->nexthop, row->route_table, row->origin});
    }
}

}  // namespace weft::ic
