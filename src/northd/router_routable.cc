// Addresses of a router that its neighbours route to without being told (options:add_route of NAT rules and
// load balancers): external addresses and VIPs, IPv4 alone.  Each router on the same switch gets a route and
// the Ethernet address.

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

std::vector<Routable> compute_routables(Program& p, const Uuid& uuid) {
    std::vector<Routable> out;
    const RouterPort& port = p.router_port(uuid);
    const Router& router = p.router(port.router);
    if (!router.enabled || port.addresses.mac.empty() || !port.is_distributed_gateway) return out;
    Routable central{port.addresses.mac, {}};
    for (const Uuid& each : p.router_nats(port.router)) {
        const NatFacts& nat = p.nat(each);
        if (!nat.add_route || nat.is_ip6 || nat.type == NatType::kSnat) continue;
        bool own = std::any_of(port.addresses.ip4.begin(), port.addresses.ip4.end(),
                               [&](const Ip4& ip) { return ip.address == nat.external_ip; });
        if (nat.is_distributed) {
            out.push_back({nat.external_mac, {nat.external_ip}});
        } else if (!own) {
            central.addresses.push_back(nat.external_ip);
        }
    }
    for (const std::string& vip : p.router_vips(port.router).ip4_routable) central.addresses.push_back(vip);
    if (!central.addresses.empty()) out.push_back(std::move(central));
    return out;
}

namespace {

void route_to(Program& p, FlowWriter& f, const RouterPort& from, const Routable& there) {
    for (const std::string& address : there.addresses) {
        std::string match = fmt::format("ip4.dst == {}/32", address);
        std::string action =
            fmt::format("reg0 = ip4.dst; reg1 = {}; eth.src = {}; outport = {}; flags.loopback = 1;",
                        from.addresses.ip4[0].address, from.addresses.mac, from.quoted);
        constexpr uint16_t kConnectedHost = 32 * 3 + 2;
        f.add(Stage::kRouterInIpRouting, kConnectedHost, match,
              "ip.ttl--; reg8[0..15] = 0; " + action + " next;");
        let_bfd_out(p, f, from, kConnectedHost, match, action);
    }
}

void resolve(FlowWriter& f, const RouterPort& from, const Routable& there) {
    std::string list;
    for (const std::string& address : there.addresses) list += (list.empty() ? "" : ", ") + address;
    f.add(Stage::kRouterInArpResolve, 100, fmt::format("outport == {} && reg0 == {{{}}}", from.quoted, list),
          fmt::format("eth.dst = {}; next;", there.mac));
}

}  // namespace

void routables_of_neighbors(Program& p, const SwitchPort& port) {
    if (port.type != PortType::kRouter || port.peer.is_zero()) return;
    const RouterPort& from = p.router_port(port.peer);
    if (from.router.is_zero() || from.addresses.mac.empty() || !p.router(from.router).enabled) return;
    FlowWriter f(p.flows, from.router, from.uuid);
    const Router& router = p.router(from.router);
    bool knows_neighbors =
        (router.is_gateway() || from.is_distributed_gateway) && !router.dynamic_neigh_routers;
    for (const Uuid& other : p.router_ports_of_switch[port.switch_uuid]) {
        const Uuid& peer = p.port(other).peer;
        if (peer == port.peer) continue;
        for (const Routable& there : p.routables(peer)) {
            if (!from.addresses.ip4.empty()) route_to(p, f, from, there);
            if (knows_neighbors) resolve(f, from, there);
        }
    }
}

}  // namespace weft::northd
