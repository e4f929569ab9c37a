// Connected and static routes.
//
// The priority of a route is its prefix length times three, plus 0 for source routes, 1 for static and 2 for
// connected destination routes, so that the longest prefix wins and among equals the connected route.

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

constexpr int kSourceRoute = 0, kStaticRoute = 1, kConnectedRoute = 2;

uint16_t route_priority(int prefix, int kind) {
    return static_cast<uint16_t>(prefix * 3 + kind);
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

void routing_of_router(Program& p, FlowWriter& f, const Router& r) {
    f.add(Stage::kRouterInIpRoutingPre, 0, "1", "reg7 = 0; next;");
    f.add(Stage::kRouterInIpRouting, 10550, "nd_rs || nd_ra", "drop;");
    f.add(Stage::kRouterInIpRouting, 0, "1", "drop;");
    f.add(Stage::kRouterInIpRoutingEcmp, 150, "reg8[0..15] == 0", "next;");
    f.add(Stage::kRouterInIpRoutingEcmp, 0, "1", "drop;");
    (void)p;
    (void)r;
}

void routing_of_port(Program&, FlowWriter& f, const RouterPort& port) {
    if (!port.enabled) return;
    for (const Ip4& ip : port.addresses.ip4) {
        RouteMatch m{ip.network_text(), ip.prefix, false, false, ""};
        f.add(Stage::kRouterInIpRouting, route_priority(ip.prefix, kConnectedRoute), direction(m),
              "ip.ttl--; reg8[0..15] = 0; " + outlet_action(m, "", ip.address, port) + " next;");
    }
    for (const Ip6Net& ip : port.addresses.ip6) {
        RouteMatch m{ip.network_text(), ip.prefix, true, false, ""};
        std::string match = direction(m);
        if (ip.is_link_local()) match = fmt::format("inport == {} && {}", port.quoted, match);
        f.add(Stage::kRouterInIpRouting, route_priority(ip.prefix, kConnectedRoute), match,
              "ip.ttl--; reg8[0..15] = 0; " + outlet_action(m, "", ip.address, port) + " next;");
    }
}

namespace {

struct NextHop {
    const nb::LogicalRouterStaticRoute* row;
    std::string address;
    std::optional<Outlet> outlet;
};

// The numbers of ECMP groups are local to the router and only have to differ: they count its groups in order.
int64_t ecmp_group_number(Program& p, const RouteKey& key) {
    int64_t number = 0;
    for (const RouteKey& other : p.ecmp_keys[key.router]) {
        ++number;
        if (other == key) return number;
    }
    return number;
}

void write_single(FlowWriter& f, const RouteMatch& m, const std::string& match, uint16_t priority,
                  const NextHop& hop, Program& p) {
    if (hop.row->nexthop == "discard") return f.add(Stage::kRouterInIpRouting, priority, match, "drop;");
    const RouterPort& port = p.router_port(hop.outlet->port);
    RouteMatch registers = m;
    registers.is_ip6 = hop.address.find(':') != std::string::npos;
    f.add(Stage::kRouterInIpRouting, priority, match,
          "ip.ttl--; reg8[0..15] = 0; " + outlet_action(registers, hop.address, hop.outlet->source, port) +
              " next;");
}

void write_ecmp(Program& p, FlowWriter& f, const RouteKey& key, const std::string& match, uint16_t priority,
                const std::vector<NextHop>& hops) {
    int64_t group = ecmp_group_number(p, key);
    std::string members;
    for (size_t i = 1; i <= hops.size(); ++i) members += fmt::format("{}{}", i == 1 ? "" : ", ", i);
    std::string fields;
    for (const std::string& field : hops[0].row->selection_fields)
        fields += (fields.empty() ? "" : ",") + field;
    f.add(Stage::kRouterInIpRouting, priority, match,
          fields.empty()
              ? fmt::format("ip.ttl--; flags.loopback = 1; reg8[0..15] = {}; reg8[16..31] = select({});",
                            group, members)
              : fmt::format(
                    "ip.ttl--; flags.loopback = 1; reg8[0..15] = {}; reg8[16..31] = select(values=({}); "
                    "hash_fields=\"{}\");",
                    group, members, fields));
    for (size_t i = 0; i < hops.size(); ++i) {
        const RouterPort& port = p.router_port(hops[i].outlet->port);
        bool is_ip6 = hops[i].address.find(':') != std::string::npos;
        FlowWriter member(p.flows, key.router, hops[i].row->uuid);
        member.add(Stage::kRouterInIpRoutingEcmp, 100,
                   fmt::format("reg8[0..15] == {} && reg8[16..31] == {}", group, i + 1),
                   fmt::format("{} = {}; {} = {}; eth.src = {}; outport = {}; next;",
                               is_ip6 ? "xxreg0" : "reg0", hops[i].address, is_ip6 ? "xxreg1" : "reg1",
                               hops[i].outlet->source, port.addresses.mac, port.quoted));
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
            p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: bad ip_prefix {}",
                                          uuid.to_string(), p.in.routes.get(uuid)->ip_prefix));
        }
        return;
    }
    std::vector<NextHop> hops;
    for (const Uuid& uuid : p.routes_by_key[key]) {
        const auto* row = p.in.routes.get(uuid);
        if (!row) continue;
        NextHop hop{row, row->nexthop, std::nullopt};
        if (row->nexthop == "discard") {
            FlowWriter f(p.flows, key.router, uuid);
            hops.push_back(hop);
            continue;
        }
        auto address = parse_endpoint(row->nexthop);
        if (!address || address->port) {
            p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: bad next hop {}", uuid.to_string(),
                                          row->nexthop));
            continue;
        }
        if (ovsdb::get_bool(row->options, "ecmp_symmetric_reply")) {
            p.complaints.emit(
                fmt::format("Logical_Router_Static_Route {}: options:ecmp_symmetric_reply is not supported",
                            uuid.to_string()));
        }
        if (row->bfd) {
            p.complaints.emit(
                fmt::format("Logical_Router_Static_Route {}: bfd is not supported; the route is always up",
                            uuid.to_string()));
        }
        hop.address = address->address;
        hop.outlet = find_outlet(p, key.router, row->nexthop, row->output_port.value_or(""));
        if (!hop.outlet) {
            p.complaints.emit(fmt::format("Logical_Router_Static_Route {}: no path for {} to {}",
                                          uuid.to_string(), row->ip_prefix, row->nexthop));
            continue;
        }
        hops.push_back(std::move(hop));
    }
    if (hops.empty()) return;
    uint16_t priority = route_priority(m.prefix, key.by_source ? kSourceRoute : kStaticRoute);
    std::string match = direction(m);
    if (!key.table.empty()) {
        p.complaints.emit(
            fmt::format("Logical_Router_Static_Route {}: route_table {} is not supported; the route is "
                        "left out",
                        hops[0].row->uuid.to_string(), key.table));
        return;
    }
    if (!key.by_source) match = "reg7 == 0 && " + match;
    FlowWriter f(p.flows, key.router, hops[0].row->uuid);
    if (hops.size() == 1 || hops[0].row->nexthop == "discard") {
        write_single(f, m, match, priority, hops[0], p);
    } else {
        FlowWriter group(p.flows, key.router);
        write_ecmp(p, group, key, match, priority, hops);
    }
}

}  // namespace weft::northd
