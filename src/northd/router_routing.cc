// Connected and static routes.
//
// The priority of a route is its prefix length times three, plus 0 for source routes, 1 for static and 2 for
// connected destination routes, so that the longest prefix wins and among equals the connected route.  Routes
// that were learnt as another zone's connected ones count as connected here, too.

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

namespace {

struct RouteMatch {
    std::string network;  // "10.0.0.0/8"
    int prefix = 0;
    bool is_ip6 = false, by_source = false;
    std::string table;  // of main: "", to be matched only where main has tables beside it
};

// Learnt routes (dynamic_routing.h) come after static ones.
constexpr int kSourceRoute = 0, kStaticRoute = 1, kConnectedRoute = 2, kLearntRoute = 3;

// Learnt by ovn-ic from a zone whose router has the network (ovn-nb(5), options:origin).
bool is_connected_elsewhere(const nb::LogicalRouterStaticRoute& row) {
    return ovsdb::get_string(row.options, "origin") == "connected";
}

uint16_t route_priority(int prefix, int kind) {
    return static_cast<uint16_t>(prefix * 3 + (kind == kLearntRoute ? 0 : kind));
}

std::string outlet_action(const RouteMatch& m, const std::string& next_hop, const std::string& source,
                          const RouterPort& port) {
    return fmt::format("{}{} = {}; {} = {}; eth.src = {}; outport = {}; flags.loopback = 1;", "",
                       m.is_ip6 ? "xxreg0" : "reg0",
                       next_hop.empty() ? (m.is_ip6 ? "ip6.dst" : "ip4.dst") : next_hop,
                       m.is_ip6 ? "xxreg1" : "reg1", source, port.addresses.mac, port.quoted);
}

std::string direction(const RouteMatch& m) {
    return fmt::format("ip{}.{} == {}", m.is_ip6 ? "6" : "4", m.by_source ? "src" : "dst", m.network);
}

}  // namespace

// Numbers of routing tables are local to the router and only have to differ: 0 is the main table.
int64_t table_number(Program& p, const Uuid& router, const std::string& table) {
    int64_t number = 0;
    if (table.empty()) return number;
    for (const std::string& each : p.route_tables[router]) {
        ++number;
        if (each == table) break;
    }
    return number;
}

// Policies in chains (router_policy.cc) start in the main one.
const char* clear_chain(Program& p, const Uuid& router) {
    return p.policy_chains.contains(router) ? "reg9[16..31] = 0; " : "";
}

// Packets of BFD are not counted down, lest their TTL of 255 be spoilt (RFC 5881, section 5).
void let_bfd_out(Program& p, FlowWriter& f, const RouterPort& port, uint16_t priority,
                 const std::string& match, const std::string& action) {
    if (!has_bfd(p, port)) return;
    f.add(Stage::kRouterInIpRouting, static_cast<uint16_t>(priority + 1), match + " && udp.dst == 3784",
          "reg8[0..15] = 0; " + action + " next;");
}

void routing_of_router(Program& p, FlowWriter& f, const Router& r) {
    f.add(Stage::kRouterInIpRoutingPre, 0, "1", std::string(clear_chain(p, r.uuid)) + "reg7 = 0; next;");
    f.add(Stage::kRouterInIpRouting, 10550, "nd_rs || nd_ra", "drop;");
    f.add(Stage::kRouterInIpRouting, 0, "1", "drop;");
    f.add(Stage::kRouterInIpRoutingEcmp, 150, "reg8[0..15] == 0", "next;");
    f.add(Stage::kRouterInIpRoutingEcmp, 0, "1", "drop;");
}

void routing_of_port(Program& p, FlowWriter& f, const RouterPort& port) {
    if (!port.enabled) return;
    std::string table(ovsdb::get_string(port.options, "route_table"));
    if (!table.empty()) {
        f.add(Stage::kRouterInIpRoutingPre, 100, "inport == " + port.quoted,
              fmt::format("{}reg7 = {}; next;", clear_chain(p, port.router),
                          table_number(p, port.router, table)));
    }
    auto connected = [&](const RouteMatch& m, const std::string& match, const std::string& source) {
        std::string action = outlet_action(m, "", source, port);
        uint16_t priority = route_priority(m.prefix, kConnectedRoute);
        f.add(Stage::kRouterInIpRouting, priority, match, "ip.ttl--; reg8[0..15] = 0; " + action + " next;");
        let_bfd_out(p, f, port, priority, match, action);
    };
    for (const Ip4& ip : port.addresses.ip4) {
        RouteMatch m{ip.network_text(), ip.prefix, false, false, ""};
        connected(m, direction(m), ip.address);
    }
    for (const Ip6Net& ip : port.addresses.ip6) {
        RouteMatch m{ip.network_text(), ip.prefix, true, false, ""};
        std::string match = direction(m);
        if (ip.is_link_local()) match = fmt::format("inport == {} && {}", port.quoted, match);
        connected(m, match, ip.address);
    }
}

namespace {

struct NextHop {
    const nb::LogicalRouterStaticRoute* row;  // null: learnt
    Uuid uuid;
    std::string address;
    std::optional<Outlet> outlet;  // none: the packet is dropped
};

bool is_symmetric(Program& p, const Uuid& router, const NextHop& hop) {
    return hop.row && ovsdb::get_bool(hop.row->options, "ecmp_symmetric_reply") &&
           p.router(router).is_gateway();
}

// The neighbour solicitation for a next hop goes to its solicited-node address (RFC 4861, section 7.2.2).
void ask_for_next_hop(Program& p, const Uuid& router, const Uuid& route, const std::string& address) {
    auto ip = parse_ip6(address);
    FlowWriter f(p.flows, router, route);
    const std::optional<Uuid>& copp = p.router(router).copp;
    f.add(Stage::kRouterInArpRequest, 200,
          fmt::format("eth.dst == 00:00:00:00:00:00 && ip6 && xxreg0 == {}", ip->address),
          fmt::format(
              "nd_ns {{ eth.dst = 33:33:ff:{:02x}:{:02x}:{:02x}; ip6.dst = {}; nd.target = {}; output; }};",
              ip->value[13], ip->value[14], ip->value[15], ip->solicited_node(), ip->address),
          {"", copp_meter(p, copp, "nd-ns-resolve")});
}

// The numbers of ECMP groups are local to the router and only have to differ: they count its groups in order.
// Groups of routes whose origin is connected come after all others.
int64_t ecmp_group_number(Program& p, const RouteKey& key, int kind) {
    const auto groups = p.ecmp_keys[key.router];
    auto size = static_cast<int64_t>(groups.size());
    int64_t number = kind == kConnectedRoute ? size : kind == kLearntRoute ? 2 * size : 0;
    for (const RouteKey& other : groups) {
        ++number;
        if (other == key) return number;
    }
    return number;
}

void write_single(FlowWriter& f, const RouteMatch& m, const std::string& match, uint16_t priority,
                  const NextHop& hop, Program& p) {
    if (!hop.outlet) return f.add(Stage::kRouterInIpRouting, priority, match, "drop;");
    const RouterPort& port = p.router_port(hop.outlet->port);
    // The last one of several that are left still has its connections.
    if (is_symmetric(p, port.router, hop)) watch_next_hop(p, hop.outlet->port, hop.address);
    RouteMatch registers = m;
    registers.is_ip6 = hop.address.find(':') != std::string::npos;
    std::string action = outlet_action(registers, hop.address, hop.outlet->source, port);
    f.add(Stage::kRouterInIpRouting, priority, match, "ip.ttl--; reg8[0..15] = 0; " + action + " next;");
    let_bfd_out(p, f, port, priority, match, action);
}

void write_ecmp(Program& p, FlowWriter& f, const RouteKey& key, const RouteMatch& m, const std::string& match,
                int kind, const std::vector<NextHop>& hops) {
    uint16_t priority = route_priority(m.prefix, kind);
    int64_t group = ecmp_group_number(p, key, kind);
    std::string members;
    for (size_t i = 1; i <= hops.size(); ++i) members += fmt::format("{}{}", i == 1 ? "" : ", ", i);
    std::string fields;
    if (hops[0].row) {
        for (const std::string& field : hops[0].row->selection_fields)
            fields += (fields.empty() ? "" : ",") + field;
    }
    f.add(Stage::kRouterInIpRouting, priority, match,
          fields.empty()
              ? fmt::format("ip.ttl--; flags.loopback = 1; reg8[0..15] = {}; reg8[16..31] = select({});",
                            group, members)
              : fmt::format(
                    "ip.ttl--; flags.loopback = 1; reg8[0..15] = {}; reg8[16..31] = select(values=({}); "
                    "hash_fields=\"{}\");",
                    group, members, fields));
    for (size_t i = 0; i < hops.size(); ++i) {
        if (!hops[i].outlet) continue;  // "discard": what is selected for it meets the table's drop
        const RouterPort& port = p.router_port(hops[i].outlet->port);
        bool is_ip6 = hops[i].address.find(':') != std::string::npos;
        FlowWriter member(p.flows, key.router, hops[i].uuid);
        if (is_symmetric(p, key.router, hops[i])) {
            RouteMatch back = m;
            back.by_source = !m.by_source;
            symmetric_reply(p, member,
                            {hops[i].outlet->port, hops[i].outlet->source, match, direction(back), m.is_ip6});
            watch_next_hop(p, hops[i].outlet->port, hops[i].address);
        }
        member.add(Stage::kRouterInIpRoutingEcmp, 100,
                   fmt::format("reg8[0..15] == {} && reg8[16..31] == {}", group, i + 1),
                   fmt::format("{} = {}; {} = {}; eth.src = {}; outport = {}; next;",
                               is_ip6 ? "xxreg0" : "reg0", hops[i].address, is_ip6 ? "xxreg1" : "reg1",
                               hops[i].outlet->source, port.addresses.mac, port.quoted));
    }
}

std::optional<NextHop> learnt_hop(Program& p, const RouteKey& key, const Uuid& uuid) {
    const LearnedRoute* route = p.in.learned_routes.find(uuid);
    auto address = route ? parse_endpoint(route->nexthop) : std::nullopt;
    if (!address || !address->port.empty()) return std::nullopt;
    NextHop hop{nullptr, uuid, address->address, find_outlet(p, key.router, route->nexthop, route->port)};
    if (!hop.outlet) return std::nullopt;
    if (address->is_ip6) ask_for_next_hop(p, key.router, uuid, address->address);
    return hop;
}

// Next hops of one kind, of routes with the same key.  Connected routes are found in every routing table.
void write_hops(Program& p, const RouteKey& key, const RouteMatch& m, int kind,
                const std::vector<NextHop>& hops) {
    if (hops.empty()) return;
    std::string match = direction(m);
    bool everywhere = kind != kStaticRoute && kind != kLearntRoute && key.table.empty();
    if (!everywhere) match = fmt::format("reg7 == {} && {}", table_number(p, key.router, key.table), match);
    if (hops.size() == 1) {
        FlowWriter f(p.flows, key.router, hops[0].uuid);
        write_single(f, m, match, route_priority(m.prefix, kind), hops[0], p);
    } else {
        FlowWriter group(p.flows, key.router);
        write_ecmp(p, group, key, m, match, kind, hops);
    }
}

}  // namespace

void flows_of_route(Program& p, const RouteKey& key) {
    RouteMatch m;
    m.network = key.prefix;
    m.by_source = key.by_source;
    if (auto ip4 = parse_ip4(key.prefix)) {
        m.prefix = ip4->prefix;
    } else if (auto ip6 = parse_ip6(key.prefix)) {
        m.prefix = ip6->prefix;
        m.is_ip6 = true;
    } else {
        for (const Uuid& uuid : p.routes_by_key[key]) {
            if (const auto* row = p.in.routes.get(uuid)) {
                p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: bad ip_prefix {}",
                                              uuid.to_string(), row->ip_prefix));
            }
        }
        return;
    }
    std::vector<NextHop> connected, others, learnt;
    for (const Uuid& uuid : p.routes_by_key[key]) {
        const auto* row = p.in.routes.get(uuid);
        if (!row) {
            if (auto hop = learnt_hop(p, key, uuid)) learnt.push_back(std::move(*hop));
            continue;
        }
        std::vector<NextHop>& hops = !key.by_source && is_connected_elsewhere(*row) ? connected : others;
        NextHop hop{row, uuid, row->nexthop, std::nullopt};
        if (row->nexthop == "discard") {
            hops.push_back(hop);
            continue;
        }
        auto address = parse_endpoint(row->nexthop);
        if (!address || !address->port.empty()) {
            p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: bad next hop {}", uuid.to_string(),
                                          row->nexthop));
            continue;
        }
        if (row->bfd && p.bfd_status(*row->bfd) == "down") continue;
        hop.address = address->address;
        if (address->is_ip6) ask_for_next_hop(p, key.router, uuid, address->address);
        hop.outlet = find_outlet(p, key.router, row->nexthop, row->output_port.value_or(""));
        if (!hop.outlet) {
            p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: no path for {} to {}",
                                          uuid.to_string(), row->ip_prefix, row->nexthop));
            continue;
        }
        const RouterPort& port = p.router_port(hop.outlet->port);
        bool is_there = !port.addresses.mac.empty() && key.table.empty() && !key.by_source;
        if (is_there && redistribution_of(p, port).statics)
            p.advertised_rows.emit({key.router, port.name, key.prefix, ""});
        hops.push_back(std::move(hop));
    }
    write_hops(p, key, m, kLearntRoute, learnt);
    write_hops(p, key, m, kConnectedRoute, connected);
    write_hops(p, key, m, key.by_source ? kSourceRoute : kStaticRoute, others);
}

}  // namespace weft::northd
