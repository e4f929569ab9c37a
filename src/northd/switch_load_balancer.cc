// Load balancing in a switch: new connections to a VIP go to a back end, hairpins included.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

const char* ip_of(const Endpoint& e) {
    return e.is_ip6 ? "ip6" : "ip4";
}

}  // namespace

std::string selection_fields_text(const LoadBalancerFacts& lb) {
    std::string out;
    for (const std::string& field : lb.selection_fields) {
        std::string name = field;
        if (name == "tp_src" || name == "tp_dst") name = lb.protocol + name.substr(2);
        out += (out.empty() ? "" : ",") + name;
    }
    return out.empty() ? "" : fmt::format("; hash_fields=\"{}\"", out);
}

bool is_usable(const LoadBalancerFacts& lb, const Backend& backend) {
    return backend.is_online && (!lb.distributed || !backend.port_name.empty());
}

std::string online_backends(const LoadBalancerFacts& lb, const Vip& vip) {
    std::string out;
    for (const Backend& backend : vip.backends) {
        if (!is_usable(lb, backend)) continue;
        out += out.empty() ? "" : ",";
        if (lb.distributed) out += quoted(backend.port_name) + ":";
        out += backend.text;
    }
    return out;
}

std::string balance_among(const LoadBalancerFacts& lb, const std::string& backends) {
    return fmt::format("ct_lb_mark{}(backends={}{}", lb.distributed ? "_local" : "", backends,
                       selection_fields_text(lb));
}

void load_balancing_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    for (Stage stage : {Stage::kSwitchInLbAffCheck, Stage::kSwitchInLb, Stage::kSwitchInLbAffLearn,
                        Stage::kSwitchInPreHairpin, Stage::kSwitchInNatHairpin, Stage::kSwitchInHairpin}) {
        f.add(stage, 0, "1", "next;");
    }
    if (p.vtep_ports.contains(sw.uuid)) {
        f.add(Stage::kSwitchInHairpin, 1000, "reg0[14] == 1", "next(pipeline=ingress, table=25);");
    }
    if (!p.switch_state(sw.uuid).has_lb_vip) return;
    f.add(Stage::kSwitchInPreHairpin, 100, "ip && ct.trk",
          "reg0[6] = chk_lb_hairpin(); reg0[12] = chk_lb_hairpin_reply(); next;");
    f.add(Stage::kSwitchInNatHairpin, 100, "ip && ct.new && ct.trk && reg0[6] == 1", "ct_snat_to_vip; next;");
    f.add(Stage::kSwitchInNatHairpin, 100, "ip && ct.est && ct.trk && reg0[6] == 1", "ct_snat;");
    f.add(Stage::kSwitchInNatHairpin, 90, "ip && reg0[12] == 1", "ct_snat;");
    f.add(Stage::kSwitchInHairpin, 1, "(reg0[6] == 1 || reg0[12] == 1)",
          "eth.dst <-> eth.src; outport = inport; flags.loopback = 1; output;");
}

namespace {

// Connections of a client stay with the back end they had.
void affinity(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip) {
    const Endpoint& e = vip.endpoint;
    if (lb.affinity_timeout <= 0 || e.port.empty()) return;
    const char* ip = ip_of(e);
    const char* vip_register = e.is_ip6 ? "xxreg1" : "reg1";
    const char* backend_register = e.is_ip6 ? "xxreg0" : "reg4";
    f.add(Stage::kSwitchInLbAffCheck, 100,
          fmt::format("ct.new && {} && {} == {} && reg2[0..15] == {}", ip, vip_register, e.address, e.port),
          "reg9[6] = chk_lb_aff(); next;");
    for (const Backend& b : vip.backends) {
        if (!is_usable(lb, b)) continue;
        std::string match =
            fmt::format("reg9[6] == 1 && ct.new && {} && {} == {}", ip, backend_register, b.endpoint.address);
        if (!b.endpoint.port.empty()) match += fmt::format(" && reg8[0..15] == {}", b.endpoint.port);
        f.add(Stage::kSwitchInLb, 150, match,
              fmt::format("reg0[1] = 0; {} = {}; reg2[0..15] = {}; ct_lb_mark(backends={});", vip_register,
                          e.address, e.port, b.text));
        std::string learn =
            fmt::format("reg9[6] == 0 && ct.new && {0} && {1} == {2} && reg2[0..15] == {3} && {0}.dst == {4}",
                        ip, vip_register, e.address, e.port, b.endpoint.address);
        if (!b.endpoint.port.empty()) learn += fmt::format(" && {}.dst == {}", lb.protocol, b.endpoint.port);
        f.add(
            Stage::kSwitchInLbAffLearn, 100, learn,
            fmt::format("commit_lb_aff(vip = \"{}\", backend = \"{}\", proto = {}, timeout = {}); /* drop */",
                        endpoint_text(e), b.text, lb.protocol, lb.affinity_timeout));
    }
}

}  // namespace

std::string empty_event_match(const LoadBalancerFacts& lb, const Vip& vip) {
    std::string out =
        fmt::format("{}.dst == {} && {}", ip_of(vip.endpoint), vip.endpoint.address, lb.protocol);
    if (!vip.endpoint.port.empty()) out += fmt::format(" && {}.dst == {}", lb.protocol, vip.endpoint.port);
    return out;
}

std::string empty_event_action(const LoadBalancerFacts& lb, const Vip& vip) {
    return fmt::format(
        "trigger_event(event = \"empty_lb_backends\", vip = \"{}\", protocol = \"{}\", load_balancer = "
        "\"{}\");",
        endpoint_text(vip.endpoint), lb.protocol, lb.uuid.to_string());
}

bool has_empty_event(Program& p, const LoadBalancerFacts& lb, const Vip& vip) {
    return (lb.event || p.globals({}).controller_event) && vip.backends.empty() && !lb.reject;
}

namespace {

// The meter is the switch's.
void empty_events_of_switches(Program& p, const LoadBalancerFacts& lb, const Vip& vip,
                              std::span<const Uuid> switches) {
    for (const Uuid& sw : switches) {
        FlowWriter(p.flows, sw, lb.uuid)
            .add(Stage::kSwitchInPreLb, 130, empty_event_match(lb, vip), empty_event_action(lb, vip),
                 {"", copp_meter(p, p.switch_(sw).copp, "event-elb")});
    }
}

void answer_for_monitor_of(Program& p, const LoadBalancerFacts& lb, const Backend& b) {
    const Uuid* port = b.is_monitored ? p.switch_port_named.first(b.monitor_port) : nullptr;
    if (!port) return;
    FlowWriter f(p.flows, p.port(*port).switch_uuid, lb.uuid);
    answer_for_monitor(p, f, b.monitor_src);
}

// The meter of rejections is the switch's.
void reject(Program& p, const LoadBalancerFacts& lb, uint16_t priority, const std::string& match,
            std::span<const Uuid> switches) {
    for (auto& [meter, some] : by_meter(p, switches, "reject")) {
        FlowWriter(p.flows, Datapaths(some), lb.uuid)
            .add(Stage::kSwitchInLb, priority, match,
                 "reg0 = 0; reject { outport <-> inport; next(pipeline=egress,table=5);};", {"", meter});
    }
}

// On switches with other_config:enable-stateless-acl-with-lb: what goes to the virtual address is tracked in
// spite of ACLs, and so is what comes back from a back end, to get the virtual address again.
void balance_in_spite_of_acls(FlowWriter& f, const LoadBalancerFacts& lb, const Vip& vip) {
    constexpr uint16_t kBalanced = 105;
    auto add = [&](Stage stage, const Endpoint& e, const char* end) {
        std::string match = fmt::format("reg0[16] == 1 && {}.{} == {}", ip_of(e), end, e.address);
        if (!e.port.empty()) match += fmt::format(" && {}.{} == {}", lb.protocol, end, e.port);
        f.add(stage, kBalanced, match, "reg0[2] = 1; next;");
    };
    add(Stage::kSwitchInPreLb, vip.endpoint, "dst");
    for (const Backend& b : vip.backends) add(Stage::kSwitchOutPreLb, b.endpoint, "src");
}

}  // namespace

// ovn-nb(5), NB_Global:options:ls_dnat_mod_dl_dst: what was balanced to a workload of this switch has its
// Ethernet address, so that it gets there without a router.
void ethernet_of_balanced(Program& p, FlowWriter& f, const SwitchPort& port) {
    if (!p.globals({}).dnat_sets_eth_dst || !port.enabled || port.type == PortType::kRouter) return;
    if (!p.switch_state(port.switch_uuid).has_lb_vip) return;
    constexpr uint16_t kBalanced = 50;  // under the hairpins of hardware gateways
    const char* match = "reg0[6] == 0 && reg0[12] == 0 && ct.trk && ct.dnat && !ct.rpl && ";
    for (const PortAddresses& a : port.addresses) {
        auto add = [&](const char* ip, const std::string& address) {
            f.add(Stage::kSwitchInHairpin, kBalanced, fmt::format("{}{}.dst == {}", match, ip, address),
                  fmt::format("eth.dst = {}; next;", a.mac));
        };
        for (const Ip4& ip : a.ip4) add("ip4", ip.address);
        for (const Ip6Net& ip : a.ip6) add("ip6", ip.address);
    }
}

void switch_flows_of_load_balancer(Program& p, const LoadBalancerFacts& lb) {
    const Datapaths& switches = p.switches_of_lb(lb.uuid);
    std::vector<Uuid> in_spite_of_acls;
    for (const Uuid& sw : switches) {
        if (p.switch_(sw).stateless_acl_with_lb) in_spite_of_acls.push_back(sw);
    }
    FlowWriter beside_acls(p.flows, Datapaths(std::move(in_spite_of_acls)), lb.uuid);
    FlowWriter f(p.flows, switches, lb.uuid);
    for (const Vip& vip : lb.vips) {
        const Endpoint& e = vip.endpoint;
        std::string destination = fmt::format("{}.dst == {}", ip_of(e), e.address);
        std::string remember = fmt::format("{} = {}; ", e.is_ip6 ? "xxreg1" : "reg1", e.address);
        if (!e.port.empty()) {
            destination += fmt::format(" && {}.dst == {}", lb.protocol, e.port);
            remember += fmt::format("reg2[0..15] = {}; ", e.port);
        }
        f.add(Stage::kSwitchInPreStateful, 120, "reg0[2] == 1 && " + destination, remember + "ct_lb_mark;");

        std::string backends = online_backends(lb, vip), match = "ct.new && " + destination;
        uint16_t priority = e.port.empty() ? 110 : 120;
        if (!backends.empty()) {
            f.add(Stage::kSwitchInLb, priority, match, "reg0[1] = 0; " + balance_among(lb, backends) + ");");
        } else if (lb.reject) {
            reject(p, lb, priority, match, switches);
        } else {
            f.add(Stage::kSwitchInLb, priority, match, kDrop);
        }
        affinity(f, lb, vip);
        balance_in_spite_of_acls(beside_acls, lb, vip);
        if (has_empty_event(p, lb, vip)) empty_events_of_switches(p, lb, vip, switches);
        for (const Backend& b : vip.backends) answer_for_monitor_of(p, lb, b);
    }
}

}  // namespace weft::northd
