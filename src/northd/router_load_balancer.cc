// Load balancing in gateway routers, and in distributed routers on their gateway chassis.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

// Connections that were balanced, and packets related to them.
void established(FlowWriter& f) {
    constexpr Stage in = Stage::kRouterInDnat;
    f.add(in, 70, "ct.est && !ct.rel && !ct.new && ct_mark.natted && ct_mark.skip_snat == 1",
          "flags.skip_snat_for_lb = 1; next;");
    f.add(in, 70, "ct.est && !ct.rel && !ct.new && ct_mark.natted && ct_mark.force_snat == 1",
          "flags.force_snat_for_lb = 1; next;");
    f.add(in, 50, "ct.est && !ct.rel && !ct.new && ct_mark.natted", "next;");
    f.add(in, 70, "ct.rel && !ct.est && !ct.new && ct_mark.skip_snat == 1",
          "flags.skip_snat_for_lb = 1; ct_commit_nat;");
    f.add(in, 70, "ct.rel && !ct.est && !ct.new && ct_mark.force_snat == 1",
          "flags.force_snat_for_lb = 1; ct_commit_nat;");
    f.add(in, 50, "ct.rel && !ct.est && !ct.new", "ct_commit_nat;");
}

}  // namespace

void load_balancing_of_router(Program& p, FlowWriter& f, const Router& r) {
    f.add(Stage::kRouterInLbAffCheck, 0, "1", "next;");
    f.add(Stage::kRouterInLbAffLearn, 0, "1", "next;");
    const RouterState& state = p.router_state(r.uuid);
    if (state.has_lb_vip) established(f);
    if (state.has_skip_snat_lb) {
        f.add(Stage::kRouterOutSnat, 120, "flags.skip_snat_for_lb == 1 && ip", "next;");
    }
    if (!r.lb_force_snat_router_ip) return;
    for (const Uuid& uuid : p.router_ports(r.uuid)) {
        const RouterPort& port = p.router_port(uuid);
        auto force = [&](const char* v, const std::string& ip) {
            f.add(Stage::kRouterInUnsnat, 110,
                  fmt::format("inport == {} && ip{}.dst == {}", port.quoted, v, ip), "ct_snat;");
            f.add(Stage::kRouterOutSnat, 110,
                  fmt::format("flags.force_snat_for_lb == 1 && ip{} && outport == {}", v, port.quoted),
                  fmt::format("ct_snat({});", ip));
        };
        if (!port.addresses.ip4.empty()) force("4", port.addresses.ip4[0].address);
        // The link-local address alone is none to translate to.
        if (port.addresses.ip6.size() > 1) force("6", port.addresses.ip6[0].address);
    }
}

namespace {

enum class Snat { kNone, kForce, kSkip };

struct Place {  // routers that treat a load balancer alike
    std::vector<Uuid> routers;
    Snat snat = Snat::kNone;
    bool forced = false;                  // by the routers' own option
    const RouterPort* gateway = nullptr;  // of a distributed router: each has a place of its own
    bool everywhere = false;              // not on the gateway's chassis alone
    bool stateless = false;
};

std::vector<Place> places_of(Program& p, const LoadBalancerFacts& lb) {
    Place plain, force, skip, skip_forced;
    skip_forced.snat = Snat::kSkip;
    skip_forced.forced = true;
    force.snat = Snat::kForce;
    skip.snat = Snat::kSkip;
    std::vector<Place> out;
    for (const Uuid& uuid : p.routers_of_lb(lb.uuid)) {
        const Router& r = p.router(uuid);
        if (r.is_gateway()) {
            bool forced = r.lb_force_snat_router_ip || !r.lb_force_snat.empty();
            (lb.skip_snat ? (forced ? skip_forced : skip) : forced ? force : plain).routers.push_back(uuid);
            continue;
        }
        const std::vector<Uuid>& gateways = p.gateway_port_list(uuid);
        if (gateways.empty()) (lb.skip_snat ? skip : plain).routers.push_back(uuid);
        for (const Uuid& gateway : gateways) {
            Place place;
            place.routers.push_back(uuid);
            place.snat = lb.skip_snat ? Snat::kSkip : Snat::kNone;
            place.gateway = &p.router_port(gateway);
            place.everywhere = lb.distributed;
            place.stateless = is_stateless(p, lb, uuid);
            out.push_back(std::move(place));
        }
    }
    for (Place* place : {&plain, &force, &skip, &skip_forced}) {
        if (!place->routers.empty()) out.push_back(std::move(*place));
    }
    return out;
}

void affinity(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip, Snat snat) {
    const Endpoint& e = vip.endpoint;
    if (lb.affinity_timeout <= 0 || e.port.empty()) return;
    const char* ip = e.is_ip6 ? "ip6" : "ip4";
    const char* vip_register = e.is_ip6 ? "xxreg0" : "reg0";
    const char* backend_register = e.is_ip6 ? "xxreg1" : "reg4";
    const std::string& proto = lb.protocol;
    f.add(Stage::kRouterInLbAffCheck, 100,
          fmt::format("ct.new && !ct.rel && {0} && {0}.dst == {1} && {2} && {2}.dst == {3}", ip, e.address,
                      proto, e.port),
          fmt::format("{} = {}.dst; reg9[16..31] = {}.dst; reg9[6] = chk_lb_aff(); next;", vip_register, ip,
                      proto));
    const char* flag = snat == Snat::kForce  ? "flags.force_snat_for_lb = 1; "
                       : snat == Snat::kSkip ? "flags.skip_snat_for_lb = 1; "
                                             : "";
    const char* suffix = snat == Snat::kForce ? "; force_snat" : snat == Snat::kSkip ? "; skip_snat" : "";
    for (const Backend& b : vip.backends) {
        if (!is_usable(lb, b)) continue;
        std::string match =
            fmt::format("reg9[6] == 1 && ct.new && {} && {} == {}", ip, backend_register, b.endpoint.address);
        if (!b.endpoint.port.empty()) match += fmt::format(" && reg8[0..15] == {}", b.endpoint.port);
        f.add(Stage::kRouterInDnat, 150, match,
              fmt::format("{} = {}; {}ct_lb_mark(backends={}{});", vip_register, e.address, flag, b.text,
                          suffix));
        std::string learn = fmt::format(
            "reg9[6] == 0 && ct.new && {0} && {1} == {2} && reg9[16..31] == {3} && {0}.dst == {4}", ip,
            vip_register, e.address, e.port, b.endpoint.address);
        if (!b.endpoint.port.empty()) learn += fmt::format(" && {}.dst == {}", proto, b.endpoint.port);
        f.add(
            Stage::kRouterInLbAffLearn, 100, learn,
            fmt::format("commit_lb_aff(vip = \"{}\", backend = \"{}\", proto = {}, timeout = {}); /* drop */",
                        endpoint_text(e), b.text, proto, lb.affinity_timeout));
    }
}

void undo_on_the_way_back(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip, const Place& place) {
    if (!place.gateway || vip.backends.empty()) return;
    const char* ip = vip.endpoint.is_ip6 ? "ip6" : "ip4";
    std::string from;
    for (const Backend& b : vip.backends) {
        from += fmt::format("{}({}.src == {}", from.empty() ? "" : " || ", ip, b.endpoint.address);
        if (!b.endpoint.port.empty()) from += fmt::format(" && {}.src == {}", lb.protocol, b.endpoint.port);
        from += ")";
    }
    if (from.empty()) return;
    const char* action =
        place.snat == Snat::kSkip ? "flags.skip_snat_for_lb = 1; next;" : "ct_dnat_in_czone;";
    f.add(Stage::kRouterOutUndnat, 120,
          fmt::format("{} && ({}) && outport == {}{}", ip, from, place.gateway->quoted,
                      place.everywhere ? "" : residence(place.gateway->redirect_quoted)),
          action);
}

// What a back end answers leaves by the chassis that balanced: its own.
void leave_here(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip, const RouterPort& gateway) {
    const char* ip = vip.endpoint.is_ip6 ? "ip6" : "ip4";
    for (const Backend& b : vip.backends) {
        if (!is_usable(lb, b)) continue;
        std::string match = fmt::format("{0} && {0}.src == {1}", ip, b.endpoint.address);
        if (!b.endpoint.port.empty()) match += fmt::format(" && {}.src == {}", lb.protocol, b.endpoint.port);
        f.add(Stage::kRouterInGwRedirect, 200,
              fmt::format("{} && outport == {}{}", match, gateway.quoted, residence(quoted(b.port_name))),
              "next;");
    }
}

// The meter of rejections is the router's.
void reject(Program& p, const LoadBalancerFacts& lb, uint16_t priority, const std::string& match,
            const std::string& action, const std::vector<Uuid>& routers) {
    for (auto& [meter, some] : by_meter(p, routers, "reject")) {
        FlowWriter(p.flows, Datapaths(some), lb.uuid)
            .add(Stage::kRouterInDnat, priority, match, action, {"", meter});
    }
}

void write_vip(Program& p, FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip, const Place& place) {
    const Endpoint& e = vip.endpoint;
    const char* ip = e.is_ip6 ? "ip6" : "ip4";
    if (place.stateless) return stateless_flows_of_vip(f, lb, vip, *place.gateway);
    f.add(Stage::kRouterInDefrag, 100, fmt::format("ip && {}.dst == {}", ip, e.address), "ct_dnat;");
    std::string match = fmt::format("ct.new && !ct.rel && {0} && {0}.dst == {1}", ip, e.address);
    if (!e.port.empty()) match += fmt::format(" && {0} && {0}.dst == {1}", lb.protocol, e.port);
    std::string backends = online_backends(lb, vip), action;
    bool rejects = backends.empty() && lb.reject;
    if (place.gateway && !place.everywhere && !rejects) match += residence(place.gateway->redirect_quoted);
    std::string balance = balance_among(lb, backends);
    std::string flag = place.snat == Snat::kForce  ? "flags.force_snat_for_lb = 1; "
                       : place.snat == Snat::kSkip ? "flags.skip_snat_for_lb = 1; "
                                                   : "";
    uint16_t priority = e.port.empty() ? 110 : 120;
    if (rejects) {
        reject(p, lb, priority, match,
               flag + "reg0 = 0; reject { outport <-> inport; next(pipeline=egress,table=3);};",
               place.routers);
    } else if (backends.empty()) {
        const std::string& sample = p.globals({}).drop_sample;
        action = flag.empty() || sample.empty() ? flag + kDrop : flag + sample + kAclDrop;
    } else if (place.snat == Snat::kForce) {
        action = fmt::format("flags.force_snat_for_lb = 1; {}; force_snat);", balance);
    } else if (place.snat == Snat::kSkip) {
        action = fmt::format("flags.skip_snat_for_lb = 1; {}; skip_snat);", balance);
    } else {
        action = balance + ");";
    }
    if (!rejects) f.add(Stage::kRouterInDnat, priority, match, action);
    affinity(f, lb, vip, place.forced ? Snat::kForce : place.snat);
    undo_on_the_way_back(f, lb, vip, place);
    if (place.gateway && place.everywhere) leave_here(f, lb, vip, *place.gateway);
}

// Packets to a VIP that is also a NAT rule's external address are not for UNSNAT.
void skip_unsnat(Program& p, const LoadBalancerFacts& lb, const Vip& vip) {
    const Endpoint& e = vip.endpoint;
    for (const Uuid& uuid : p.routers_of_lb(lb.uuid)) {
        const auto& external = p.router_state(uuid).external_ips;
        if (!std::binary_search(external.begin(), external.end(), e.address)) continue;
        if (!p.router(uuid).is_gateway() && p.gateway_port_list(uuid).empty()) continue;
        std::string match =
            fmt::format("{0} && {0}.dst == {1} && {2}", e.is_ip6 ? "ip6" : "ip4", e.address, lb.protocol);
        if (!e.port.empty()) match += fmt::format(" && {}.dst == {}", lb.protocol, e.port);
        FlowWriter(p.flows, uuid, lb.uuid).add(Stage::kRouterInUnsnat, 120, match, "next;");
    }
}

}  // namespace

void router_flows_of_load_balancer(Program& p, const LoadBalancerFacts& lb) {
    for (Place& place : places_of(p, lb)) {
        FlowWriter f(p.flows, Datapaths(place.routers), lb.uuid);
        for (const Vip& vip : lb.vips) write_vip(p, f, lb, vip, place);
    }
    for (const Vip& vip : lb.vips) skip_unsnat(p, lb, vip);
    for (const Vip& vip : lb.vips) {
        if (!has_empty_event(p, lb, vip)) continue;
        for (const Uuid& router : p.routers_of_lb(lb.uuid)) {
            FlowWriter(p.flows, router, lb.uuid)
                .add(Stage::kRouterInDnat, 130, empty_event_match(lb, vip), empty_event_action(lb, vip),
                     {"", copp_meter(p, p.router(router).copp, "event-elb")});
        }
    }
}

}  // namespace weft::northd
