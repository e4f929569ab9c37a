// Multicast relay in routers: packets go to the switches where a host joined, and to ports that want all.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;

// A router knows the groups of the switches beside it.
void relay_group(Program& p, const GroupKey& key) {
    if (p.switch_groups[key].empty()) return;
    // Groups of the local link are not routed (RFC 4291, section 2.7).
    auto ip6 = parse_ip6(key.address);
    if (ip6 && (ip6->value[1] & 0x0f) <= 2) return;
    for (const Uuid& uuid : p.router_ports_of_switch[key.datapath]) {
        const RouterPort& port = p.router_port(p.port(uuid).peer);
        if (!p.router(port.router).mcast_relay || get_bool(port.options, "mcast_flood")) continue;
        p.router_groups.emit({port.router, key.address},
                             port.is_distributed_gateway ? port.redirect_name : port.name);
    }
}

void flows_of_router_group(Program& p, const GroupKey& key) {
    MulticastRow row{key.datapath, key.address, 0, {}};
    for (const std::string& port : p.router_groups[key]) row.ports.push_back(port);
    p.multicast_rows.emit(std::move(row));
    bool floods = p.multicast_flood_ports.contains(key.datapath);
    FlowWriter f(p.flows, key.datapath);
    f.add(Stage::kRouterInIpRouting, 10500,
          fmt::format("{0} && {0}.dst == {1} ", parse_ip4(key.address) ? "ip4" : "ip6", key.address),
          fmt::format("{}outport = \"{}\"; ip.ttl--; next;",
                      floods ? "clone { outport = \"_MC_static\"; ip.ttl--; next; };" : "", key.address));
}

void multicast_of_router(Program& p, FlowWriter& f, const Router& r) {
    bool floods = p.multicast_flood_ports.contains(r.uuid);
    if (floods) {
        f.add(Stage::kRouterInIpInput, 120, "igmp && ip.ttl == 1", "next;");
        f.add(Stage::kRouterInIpInput, 120, "(mldv1 || mldv2) && ip.ttl == 1", "next;");
        MulticastRow all{r.uuid, "_MC_static", kStaticMulticastKey, {}};
        for (const std::string& port : p.multicast_flood_ports[r.uuid]) all.ports.push_back(port);
        p.multicast_rows.emit(std::move(all));
    }
    if (!r.mcast_relay) return;
    constexpr Stage routing = Stage::kRouterInIpRouting;
    if (!floods) {
        f.add(routing, 10450, "ip4.mcast || ip6.mcast", "drop;");
        return;
    }
    // Reports are forwarded, but not those that came back.
    f.add(routing, 10460, "igmp", "clone { outport = \"_MC_static\"; next; };");
    f.add(routing, 10460, "mldv1 || mldv2", "clone { outport = \"_MC_static\"; next; };");
    f.add(routing, 10450, "ip4.mcast || ip6.mcast", "clone { outport = \"_MC_static\"; ip.ttl--; next; };");
}

void multicast_of_port(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    if (!r.mcast_relay || !port.enabled) return;
    f.add(Stage::kRouterOutDelivery, 110,
          fmt::format("(ip4.mcast || ip6.mcast) && outport == {}", port.quoted),
          fmt::format("eth.src = {}; output;", port.addresses.mac));
    if (!p.multicast_flood_ports.contains(r.uuid)) return;
    f.add(Stage::kRouterInIpRouting, 10550, fmt::format("eth.src == {} && igmp", port.addresses.mac),
          "drop;");
    f.add(Stage::kRouterInIpRouting, 10550,
          fmt::format("eth.src == {} && (mldv1 || mldv2)", port.addresses.mac), "drop;");
}

}  // namespace weft::northd
