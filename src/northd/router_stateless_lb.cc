// Load balancing without memory (ovn-nb(5), Load_Balancer:options:use_stateless_nat), for routers with
// several distributed gateway ports: answers may leave by another of them than the connection came in by, and
// by another chassis, whose connection tracker knows nothing of it.
//
// Every packet to the virtual address is given its back end by the hash of its addresses and ports, and every
// packet from a back end's port the virtual address back.  So what a back end sends from that port of its own
// accord leaves with the virtual address, too, and connections move when the list of back ends changes.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

// Among the other flows of the table, which are at 110 and 120 and about new connections alone.
constexpr uint16_t kToVip = 121, kToBackend = 100, kFromBackend = 120;

std::string new_destination(const LoadBalancerFacts& lb, const Backend& b, const char* ip) {
    std::string action = fmt::format("{}.dst = {}; ", ip, b.endpoint.address);
    if (!b.endpoint.port.empty()) action += fmt::format("{}.dst = {}; ", lb.protocol, b.endpoint.port);
    return action + "next;";
}

}  // namespace

bool is_stateless(Program& p, const LoadBalancerFacts& lb, const Uuid& router) {
    return lb.stateless_nat && !lb.distributed && p.gateway_port_list(router).size() > 1;
}

void stateless_flows_of_vip(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip,
                            const RouterPort& gateway) {
    const Endpoint& e = vip.endpoint;
    const char* ip = e.is_ip6 ? "ip6" : "ip4";
    std::string here = residence(gateway.redirect_quoted);
    std::string to_vip = fmt::format("{0} && {0}.dst == {1}", ip, e.address);
    if (!e.port.empty()) to_vip += fmt::format(" && {0} && {0}.dst == {1}", lb.protocol, e.port);
    std::string skip = lb.skip_snat ? "flags.skip_snat_for_lb = 1; " : "";

    std::vector<const Backend*> usable;
    for (const Backend& b : vip.backends) {
        if (is_usable(lb, b)) usable.push_back(&b);
    }
    // Fragments are put together, or only the first would be known by its ports.
    f.add(Stage::kRouterInDefrag, 100, fmt::format("ip && {}.dst == {}", ip, e.address), "ct_dnat;");
    if (usable.empty()) {
        f.add(Stage::kRouterInDnat, kToVip, to_vip + here, kDrop);
    } else if (usable.size() == 1) {
        f.add(Stage::kRouterInDnat, kToVip, to_vip + here, skip + new_destination(lb, *usable[0], ip));
    } else {
        std::string members;
        for (size_t i = 1; i <= usable.size(); ++i)
            members += fmt::format("{}{}", members.empty() ? "" : ", ", i);
        f.add(Stage::kRouterInDnat, kToVip, to_vip + here,
              fmt::format("{}reg8[16..31] = select({});", skip, members));
        for (size_t i = 0; i < usable.size(); ++i) {
            f.add(Stage::kRouterInLbAffLearn, kToBackend,
                  fmt::format("reg8[16..31] == {} && {}", i + 1, to_vip),
                  "reg8[16..31] = 0; " + new_destination(lb, *usable[i], ip));
        }
    }
    for (const Backend& b : vip.backends) {
        std::string match = fmt::format("{0} && {0}.src == {1}", ip, b.endpoint.address);
        std::string action = fmt::format("{}{}.src = {}; ", skip, ip, e.address);
        if (!b.endpoint.port.empty()) match += fmt::format(" && {}.src == {}", lb.protocol, b.endpoint.port);
        if (!e.port.empty()) action += fmt::format("{}.src = {}; ", lb.protocol, e.port);
        f.add(Stage::kRouterOutUndnat, kFromBackend,
              fmt::format("{} && outport == {}{}", match, gateway.quoted, here), action + "next;");
    }
}

}  // namespace weft::northd
