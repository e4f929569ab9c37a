// ECMP routes with symmetric replies, on gateway routers: packets of a connection that came in through one
// of the next hops go back through the same (ovn-nb(5), options:ecmp_symmetric_reply).  The next hop's
// Ethernet address and the number of the port are kept with the connection.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void symmetric_reply(Program& p, FlowWriter& f, const SymmetricRoute& route) {
    const RouterPort& port = p.router_port(route.port);
    const BindingState* binding = p.in.bindings.find(port.name);
    if (!binding || !binding->tunnel_key) return;  // it comes when the port has its row
    std::string from = fmt::format("inport == {} && {}", port.quoted, route.reverse);
    f.add(Stage::kRouterInDefrag, 100, from, "reg9[5] = chk_ecmp_nh_mac(); ct_next;");
    f.add(Stage::kRouterInDefrag, 100, route.match, "reg9[5] = chk_ecmp_nh(); ct_next;");
    for (const char* protocol : {"tcp", "udp", "sctp"}) {
        std::string keep = fmt::format(
            "ct_commit {{ ct_label.ecmp_reply_eth = eth.src;  ct_mark.ecmp_reply_port = {};}}; "
            "commit_ecmp_nh(ipv6 = {}, proto = {}); next;",
            binding->tunnel_key, route.is_ip6 ? "true" : "false", protocol);
        f.add(Stage::kRouterInEcmpStateful, 100,
              fmt::format("{} && (ct.new && !ct.est) && {}", from, protocol), keep);
        f.add(Stage::kRouterInEcmpStateful, 100,
              fmt::format("{} && (!ct.rpl && ct.est) && {} && reg9[5] == 0", from, protocol), keep);
    }
    std::string reply =
        fmt::format("ct.rpl && reg9[5] == 1 && ct_mark.ecmp_reply_port == {}", binding->tunnel_key);
    f.add(Stage::kRouterInIpRouting, 10300, fmt::format("{} && {}", reply, route.match),
          fmt::format("ip.ttl--; flags.loopback = 1; eth.src = {}; {} = {}; outport = {}; next;",
                      port.addresses.mac, route.is_ip6 ? "xxreg1" : "reg1", route.source, port.quoted));
    f.add(Stage::kRouterInPolicy, 65535, reply, "next;");
    f.add(Stage::kRouterInArpResolve, 200, reply,
          "push(xxreg1); xxreg1 = ct_label; eth.dst = xxreg1[32..79]; pop(xxreg1); next;");
}

// The Ethernet address of a next hop that is a logical port itself; else "".
static std::string mac_of_next_hop(Program& p, const RouterPort& port, const std::string& address) {
    if (const Uuid* peer = p.router_port_named.first(port.peer_name); peer && !port.peer_name.empty())
        return p.router_port(*peer).addresses.mac;
    for (const Uuid& here : p.switch_ports_at[port.uuid]) {
        if (const std::string* mac = p.macs_at.first({p.port(here).switch_uuid, address})) return *mac;
    }
    return "";
}

void watch_next_hop(Program& p, const Uuid& port_uuid, const std::string& address) {
    if (!p.globals({}).watch_ecmp_nexthops) return;
    const RouterPort& port = p.router_port(port_uuid);
    p.ecmp_nexthop_rows.emit({port.router, port.name, address, mac_of_next_hop(p, port, address)});
}

}  // namespace weft::northd
