// NAT rules, on gateway routers and on distributed routers with gateway ports.

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

NatFacts compute_nat(Program& p, const Uuid& uuid) {
    NatFacts out;
    const nb::NAT* row = p.in.nats.get(uuid);
    if (!row) {
        out.error = "missing";
        return out;
    }
    out.uuid = uuid;
    out.type = row->type == "snat"   ? NatType::kSnat
               : row->type == "dnat" ? NatType::kDnat
                                     : NatType::kDnatAndSnat;
    auto external4 = parse_ip4(row->external_ip);
    auto external6 = parse_ip6(row->external_ip);
    out.is_ip6 = !external4 && external6;
    if (external4) {
        out.external_ip = external4->address;
    } else if (external6) {
        out.external_ip = external6->address;
    } else {
        out.error = "bad external_ip " + row->external_ip;
    }
    auto logical4 = parse_ip4(row->logical_ip);
    auto logical6 = parse_ip6(row->logical_ip);
    if (out.is_ip6 ? !logical6 : !logical4) out.error = "bad logical_ip " + row->logical_ip;
    out.prefix = logical4 ? logical4->prefix : logical6 ? logical6->prefix : 0;
    int full = out.is_ip6 ? 128 : 32;
    if (out.type != NatType::kSnat && out.prefix != full) out.error = "logical_ip has to be one address";
    out.logical_ip = row->logical_ip;
    out.external_mac = row->external_mac.value_or("");
    out.logical_port = row->logical_port.value_or("");
    out.port_range = row->external_port_range;
    if (!out.external_mac.empty() && !parse_mac(out.external_mac))
        out.error = "bad external_mac " + out.external_mac;
    out.is_distributed =
        out.type == NatType::kDnatAndSnat && !out.external_mac.empty() && !out.logical_port.empty();
    out.stateless = out.type == NatType::kDnatAndSnat && ovsdb::get_bool(row->options, "stateless");
    if (row->allowed_ext_ips) {
        if (const auto* set = p.in.address_sets.get(*row->allowed_ext_ips)) out.allowed = set->name;
    }
    if (row->exempted_ext_ips) {
        if (const auto* set = p.in.address_sets.get(*row->exempted_ext_ips)) out.exempted = set->name;
    }
    if (row->gateway_port) out.gateway_port = *row->gateway_port;
    out.add_route = ovsdb::get_bool(row->options, "add_route");
    out.match = row->match;
    out.priority = row->priority;
    return out;
}

RouterState compute_router_state(Program& p, const Uuid& uuid) {
    RouterState out;
    const Router& r = p.router(uuid);
    for (const Uuid& each : p.router_nats(uuid)) {
        const NatFacts& nat = p.nat(each);
        out.has_nat = true;
        out.external_ips.push_back(nat.external_ip);
        if (nat.type == NatType::kSnat) out.snat_ips.push_back(nat.external_ip);
    }
    if (r.is_gateway()) {
        for (const auto* list : {&r.lb_force_snat, &r.dnat_force_snat}) {
            out.snat_ips.insert(out.snat_ips.end(), list->begin(), list->end());
        }
    }
    const VipSummary& vips = p.router_vips(uuid);
    out.has_lb_vip = vips.any;
    out.has_skip_snat_lb = vips.any_skip_snat;
    out.has_distributed_lb = vips.any_distributed;
    for (auto* list : {&out.external_ips, &out.snat_ips}) {
        std::sort(list->begin(), list->end());
        list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    return out;
}

void nat_of_router(Program& p, FlowWriter& f, const Router& r) {
    for (Stage stage : {Stage::kRouterInUnsnat, Stage::kRouterInDefrag, Stage::kRouterInDnat,
                        Stage::kRouterOutUndnat, Stage::kRouterOutPostUndnat, Stage::kRouterOutSnat,
                        Stage::kRouterOutPostSnat, Stage::kRouterOutEgrLoop, Stage::kRouterInEcmpStateful}) {
        f.add(stage, 0, "1", "next;");
    }
    f.add(Stage::kRouterOutChkDnatLocal, 0, "1", "reg9[4] = 0; next;");
    f.add(Stage::kRouterOutSnat, 120, "nd_ns", "next;");

    const RouterState& state = p.router_state(r.uuid);
    bool distributed = !p.gateway_port_list(r.uuid).empty();
    if (!r.is_gateway() && !distributed) return;
    if (state.has_nat) {
        f.add(Stage::kRouterOutChkDnatLocal, 50, "ip && ct_mark.natted == 1", "reg9[4] = 1; next;");
    }
    if (!r.is_gateway()) return;
    if (state.has_nat || state.has_lb_vip) {
        f.add(Stage::kRouterOutUndnat, 100, "nd || nd_rs || nd_ra", "next;");
        f.add(Stage::kRouterOutUndnat, 50, "ip", "flags.loopback = 1; ct_dnat;");
        f.add(Stage::kRouterOutPostUndnat, 50, "ip && ct.new", "ct_commit { } ; next; ");
    }
    auto force = [&](const std::vector<std::string>& addresses, const char* flag) {
        for (const std::string& ip : addresses) {
            const char* v = ip.find(':') == ip.npos ? "4" : "6";
            f.add(Stage::kRouterInUnsnat, 110, fmt::format("ip{0} && ip{0}.dst == {1}", v, ip), "ct_snat;");
            f.add(Stage::kRouterOutSnat, 100, fmt::format("flags.{} == 1 && ip{}", flag, v),
                  fmt::format("ct_snat({});", ip));
        }
    };
    force(r.dnat_force_snat, "force_snat_for_dnat");
    force(r.lb_force_snat, "force_snat_for_lb");
}

namespace {

struct NatPlace {  // a rule on one router
    Program& p;
    FlowWriter f;
    const NatFacts& nat;
    const Router& router;
    const RouterPort* gateway;  // of a distributed router; null on a gateway router
    std::string here;  // " && is_chassis_resident(…)" of who handles the rule; "" on a gateway router

    const char* v() const { return nat.is_ip6 ? "6" : "4"; }
    std::string snat_to() const {
        return nat.port_range.empty() ? nat.external_ip : nat.external_ip + "," + nat.port_range;
    }
    std::string dnat_to() const {
        return nat.port_range.empty() ? nat.logical_ip : nat.logical_ip + "," + nat.port_range;
    }
    // Rules with a condition of their own come before all others, in the order of their priorities; the
    // condition is on packets that open connections, answers are found by the connection.
    uint16_t priority(int plain) const {
        constexpr int64_t kConditional = 300;
        return static_cast<uint16_t>(nat.match.empty() ? plain : kConditional + nat.priority);
    }
    std::string condition() const { return nat.match.empty() ? "" : fmt::format(" && ({})", nat.match); }
    // Restrictions to or from addresses outside.
    std::string allowed(const char* side) const {
        return nat.allowed.empty() ? "" : fmt::format(" && ip{}.{} == ${}", v(), side, nat.allowed);
    }
};

// The port of a distributed router that a rule belongs to: as asked for, the only one, or the one whose
// network has the external address.
const RouterPort* gateway_of(Program& p, const NatFacts& nat, const std::vector<Uuid>& gateways) {
    if (!nat.gateway_port.is_zero()) {
        if (std::find(gateways.begin(), gateways.end(), nat.gateway_port) == gateways.end()) return nullptr;
        return &p.router_port(nat.gateway_port);
    }
    if (gateways.size() == 1) return &p.router_port(gateways[0]);
    for (const Uuid& uuid : gateways) {
        const RouterPort& port = p.router_port(uuid);
        if (auto ip = parse_ip4(nat.external_ip)) {
            for (const Ip4& n : port.addresses.ip4) {
                if (n.contains(ip->value)) return &port;
            }
        } else if (auto ip6 = parse_ip6(nat.external_ip)) {
            for (const Ip6Net& n : port.addresses.ip6) {
                if (n.contains(ip6->value)) return &port;
            }
        }
    }
    return nullptr;
}

constexpr const char* kArpReplyWith =
    "eth.dst = eth.src; eth.src = {0}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; arp.sha = {0}; arp.tpa "
    "<-> "
    "arp.spa; outport = inport; flags.loopback = 1; output;";
constexpr const char* kNdReplyWith =
    "nd_na {{ eth.src = {0}; ip6.src = nd.target; nd.tll = {0}; outport = inport; flags.loopback = 1; "
    "output; }};";

std::string ask_for(const NatFacts& nat) {
    if (!nat.is_ip6) return fmt::format("arp.op == 1 && arp.tpa == {}", nat.external_ip);
    auto ip = parse_ip6(nat.external_ip);
    return fmt::format("ip6.dst == {{{0}, {1}}} && nd_ns && nd.target == {0}", ip->address,
                       ip->solicited_node());
}

void answer(NatPlace& at) {
    constexpr Stage in = Stage::kRouterInIpInput;
    const NatFacts& nat = at.nat;
    const char* reply = nat.is_ip6 ? kNdReplyWith : kArpReplyWith;
    std::string ask = ask_for(nat);
    FlowWriter plain(at.p.flows, at.router.uuid, nat.uuid);
    plain.add(in, 90, ask, fmt::format(fmt::runtime(reply), "xreg0[0..47]"));
    if (!at.gateway) return;
    std::string match = fmt::format("inport == {} && {}", at.gateway->quoted, ask);
    at.f.add(in, 92, match + at.here,
             fmt::format(fmt::runtime(reply), nat.is_distributed ? nat.external_mac : "xreg0[0..47]"));
    at.f.add(in, 91, match, "drop;");
}

void unsnat(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!nat.is_snat()) return;
    if (!at.gateway) {
        at.f.add(Stage::kRouterInUnsnat, 90, fmt::format("ip && ip{}.dst == {}", at.v(), nat.external_ip),
                 nat.stateless ? "next;" : "ct_snat;");
        return;
    }
    std::string match =
        fmt::format("ip && ip{}.dst == {} && inport == {}", at.v(), nat.external_ip, at.gateway->quoted);
    std::string here = nat.is_distributed ? "" : at.here;
    at.f.add(Stage::kRouterInUnsnat, 100, match + " && flags.loopback == 0" + here,
             nat.stateless ? "next;" : "ct_snat_in_czone;");
    if (nat.stateless) return;
    at.f.add(Stage::kRouterInUnsnat, 100,
             match + " && flags.loopback == 1 && flags.use_snat_zone == 1" + here, "ct_snat;");
}

void dnat(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!nat.is_dnat()) return;
    std::string match = fmt::format("ip && ip{}.dst == {}", at.v(), nat.external_ip), action;
    if (at.gateway) {
        match += fmt::format(" && inport == {}", at.gateway->quoted);
        if (!nat.is_distributed) match += at.here;
        action = nat.stateless ? fmt::format("ip{}.dst={}; next;", at.v(), nat.logical_ip)
                               : fmt::format("ct_dnat_in_czone({});", at.dnat_to());
    } else {
        std::string force = at.router.dnat_force_snat.empty() ? "" : "flags.force_snat_for_dnat = 1; ";
        action = nat.stateless
                     ? fmt::format("{}flags.loopback = 1; ip{}.dst={}; next;", force, at.v(), nat.logical_ip)
                     : fmt::format("{}flags.loopback = 1; ct_dnat({});", force, at.dnat_to());
    }
    match += at.condition();
    uint16_t priority = at.priority(100);
    if (!nat.exempted.empty()) {
        at.f.add(Stage::kRouterInDnat, static_cast<uint16_t>(priority + 2),
                 fmt::format("{} && ip{}.src == ${}", match, at.v(), nat.exempted), "next;");
    }
    at.f.add(Stage::kRouterInDnat, priority, match + at.allowed("src"), action);
}

void undnat(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!nat.is_dnat() || !at.gateway) return;
    std::string match = fmt::format("ip && ip{}.src == {} && outport == {}{}", at.v(), nat.logical_ip,
                                    at.gateway->quoted, nat.is_distributed ? "" : at.here);
    std::string mac = nat.is_distributed ? fmt::format("eth.src = {}; ", nat.external_mac) : "";
    at.f.add(Stage::kRouterOutUndnat, 100, match, mac + (nat.stateless ? "next;" : "ct_dnat_in_czone;"));
}

// What load balancers decided about the source address comes before rules with a condition, as it comes
// before those without.
std::string not_of_load_balancer(const NatPlace& at) {
    std::string out;
    if (at.p.router_state(at.router.uuid).has_skip_snat_lb) out += " && flags.skip_snat_for_lb == 0";
    if (at.gateway) return out;
    if (at.router.lb_force_snat_router_ip || !at.router.lb_force_snat.empty())
        out += " && flags.force_snat_for_lb == 0";
    if (!at.router.dnat_force_snat.empty()) out += " && flags.force_snat_for_dnat == 0";
    return out;
}

void snat(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!nat.is_snat()) return;
    uint16_t priority = at.priority(nat.prefix + 1 + (at.gateway ? 128 : 0));
    std::string match = fmt::format("ip && ip{}.src == {}", at.v(), nat.logical_ip) + at.condition();
    if (!nat.match.empty()) match += not_of_load_balancer(at);
    std::string stateless = fmt::format("ip{}.src={}; next;", at.v(), nat.external_ip);
    if (!at.gateway) {
        if (!nat.exempted.empty()) {
            at.f.add(Stage::kRouterOutSnat, static_cast<uint16_t>(priority + 2),
                     fmt::format("{} && ip{}.dst == ${}", match, at.v(), nat.exempted), "next;");
        }
        if (nat.stateless) {
            at.f.add(Stage::kRouterOutSnat, priority, match + at.allowed("dst"), stateless);
            return;
        }
        at.f.add(Stage::kRouterOutSnat, priority, match + at.allowed("dst") + " && (!ct.trk || !ct.rpl)",
                 fmt::format("ct_snat({});", at.snat_to()));
        return;
    }
    match += fmt::format(" && outport == {}{}", at.gateway->quoted, at.here);
    if (!nat.exempted.empty()) {
        at.f.add(Stage::kRouterOutSnat, static_cast<uint16_t>(priority + 2),
                 fmt::format("{} && ip{}.dst == ${}", match, at.v(), nat.exempted), "next;");
    }
    match += at.allowed("dst");
    std::string mac = nat.is_distributed ? fmt::format("eth.src = {}; ", nat.external_mac) : "";
    if (nat.stateless) {
        at.f.add(Stage::kRouterOutSnat, priority, match, mac + stateless);
        return;
    }
    at.f.add(Stage::kRouterOutSnat, priority, match,
             fmt::format("{}ct_snat_in_czone({});", mac, at.snat_to()));
    at.f.add(Stage::kRouterOutSnat, static_cast<uint16_t>(priority + 1), match + " && reg9[4] == 1",
             fmt::format("{}reg9[4] = 0; ct_snat({});", mac, at.snat_to()));
}

// What only distributed routers need: the packet may be for another port of the same router.
void loop_back(NatPlace& at) {
    if (!at.gateway) return;
    const NatFacts& nat = at.nat;
    const std::string& gw = at.gateway->quoted;
    at.f.add(Stage::kRouterOutChkDnatLocal, 50,
             fmt::format("ip && ip{}.dst == {}{}", at.v(), nat.external_ip, at.here), "reg9[4] = 1; next;");
    std::string clear;
    for (int i = 0; i < 10; ++i) clear += fmt::format("reg{} = 0; ", i);
    at.f.add(Stage::kRouterOutEgrLoop, 100,
             fmt::format("ip{}.dst == {} && outport == {}{}", at.v(), nat.external_ip, gw, at.here),
             fmt::format(
                 "clone {{ ct_clear; inport = outport; outport = \"\"; eth.dst <-> eth.src; flags = 0; "
                 "flags.loopback = 1; flags.use_snat_zone = reg9[4]; {}reg9[0] = 1; next(pipeline=ingress, "
                 "table=0); }};",
                 clear));
    if (nat.type == NatType::kSnat) {
        at.f.add(Stage::kRouterInIpInput, 120,
                 fmt::format("inport == {} && ip{}.src == {}", gw, at.v(), nat.external_ip), "next;");
    }
    if (nat.is_distributed) {
        at.f.add(Stage::kRouterInAdmission, 50,
                 fmt::format("eth.dst == {} && inport == {}{}", nat.external_mac, gw, at.here),
                 size_check(at.p, *at.gateway) +
                     fmt::format("xreg0[0..47] = {}; next;", at.gateway->addresses.mac));
        at.f.add(Stage::kRouterInGwRedirect, 100,
                 fmt::format("ip{}.src == {} && outport == {}{}", at.v(), nat.logical_ip, gw, at.here),
                 fmt::format("eth.src = {}; {} = {}; next;", nat.external_mac, nat.is_ip6 ? "xxreg1" : "reg1",
                             nat.external_ip));
    }
}

// A packet from outside that is too large for the host behind a distributed rule is answered in the host's
// name.
void too_large(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!at.gateway || !nat.is_distributed) return;
    int64_t mtu = ovsdb::get_int(at.gateway->options, "gateway_mtu");
    if (mtu <= 0) return;
    std::string action = fmt::format(
        "icmp{0}_error {{reg9[0] = 1; reg9[1] = 0; eth.dst = eth.src; eth.src = {1}; ip{0}.dst = ip{0}.src; "
        "ip{0}.src = {2}; ip.ttl = 254; {3} = {4}; outport = {5}; flags.loopback = 1; output; }};",
        at.v(), nat.external_mac, nat.external_ip,
        nat.is_ip6
            ? "icmp6.type = 2; /* Packet Too Big. */ icmp6.code = 0; icmp6.frag_mtu"
            : "icmp4.type = 3; /* Destination Unreachable. */ icmp4.code = 4; /* Frag Needed and DF was "
              "Set. */ icmp4.frag_mtu",
        mtu, at.gateway->quoted);
    at.f.add(Stage::kRouterInIpInput, 160,
             fmt::format("inport == {0} && reg9[1] && reg9[0] == 0 && ip{1} && ip{1}.dst == {2}",
                         at.gateway->quoted, at.v(), nat.external_ip),
             std::move(action),
             {"", copp_meter(at.p, at.router.copp, nat.is_ip6 ? "icmp6-error" : "icmp4-error")});
}

void resolve(NatPlace& at) {
    const NatFacts& nat = at.nat;
    if (!at.gateway) return;
    const std::string& gw = at.gateway->quoted;
    const char* reg = nat.is_ip6 ? "xxreg0" : "reg0";
    at.f.add(Stage::kRouterInArpResolve, 100,
             fmt::format("outport == {} && {} == {}", gw, reg, nat.external_ip),
             fmt::format("eth.dst = {}; next;",
                         nat.is_distributed ? nat.external_mac : at.gateway->addresses.mac));
    at.f.add(Stage::kRouterInArpResolve, 150,
             fmt::format("inport == {0} && outport == {0} && ip{1}.dst == {2}", gw, at.v(), nat.external_ip),
             "drop;");
}

}  // namespace

void flows_of_nat(Program& p, const Uuid& uuid) {
    const NatFacts& nat = p.nat(uuid);
    if (!nat.error.empty()) {
        p.complaints.emit(fmt::format("NAT {}: {}; the rule is left out", uuid.to_string(), nat.error));
        return;
    }
    for (const Uuid& router_uuid : p.router_of_nat[uuid]) {
        const Router& router = p.router(router_uuid);
        const std::vector<Uuid>& gateways = p.gateway_port_list(router_uuid);
        const RouterPort* gateway = router.is_gateway() ? nullptr : gateway_of(p, nat, gateways);
        if (!router.is_gateway() && !gateway) {
            if (!gateways.empty()) {
                p.complaints.emit(
                    fmt::format("NAT {}: no distributed gateway port for external_ip {}; the rule is "
                                "left out",
                                uuid.to_string(), nat.external_ip));
            }
            continue;
        }
        NatPlace at{p, FlowWriter(p.flows, router_uuid, uuid), nat, router, gateway, ""};
        if (gateway)
            at.here = residence(nat.is_distributed ? quoted(nat.logical_port) : gateway->redirect_quoted);
        answer(at);
        unsnat(at);
        dnat(at);
        undnat(at);
        snat(at);
        loop_back(at);
        too_large(at);
        resolve(at);
    }
}

}  // namespace weft::northd
