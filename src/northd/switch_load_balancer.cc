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

std::string online_backends(const Vip& vip) {
    std::string out;
    for (const Backend& backend : vip.backends) {
        if (backend.is_online) out += (out.empty() ? "" : ",") + backend.text;
    }
    return out;
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
    if (lb.affinity_timeout <= 0 || !e.port) return;
    const char* ip = ip_of(e);
    const char* vip_register = e.is_ip6 ? "xxreg1" : "reg1";
    const char* backend_register = e.is_ip6 ? "xxreg0" : "reg4";
    f.add(Stage::kSwitchInLbAffCheck, 100,
          fmt::format("ct.new && {} && {} == {} && reg2[0..15] == {}", ip, vip_register, e.address, e.port),
          "reg9[6] = chk_lb_aff(); next;");
    for (const Backend& b : vip.backends) {
        if (!b.is_online) continue;
        std::string match =
            fmt::format("reg9[6] == 1 && ct.new && {} && {} == {}", ip, backend_register, b.endpoint.address);
        if (b.endpoint.port) match += fmt::format(" && reg8[0..15] == {}", b.endpoint.port);
        f.add(Stage::kSwitchInLb, 150, match,
              fmt::format("reg0[1] = 0; {} = {}; reg2[0..15] = {}; ct_lb_mark(backends={});", vip_register,
                          e.address, e.port, b.text));
        std::string learn =
            fmt::format("reg9[6] == 0 && ct.new && {0} && {1} == {2} && reg2[0..15] == {3} && {0}.dst == {4}",
                        ip, vip_register, e.address, e.port, b.endpoint.address);
        if (b.endpoint.port) learn += fmt::format(" && {}.dst == {}", lb.protocol, b.endpoint.port);
        f.add(
            Stage::kSwitchInLbAffLearn, 100, learn,
            fmt::format("commit_lb_aff(vip = \"{}\", backend = \"{}\", proto = {}, timeout = {}); /* drop */",
                        endpoint_text(e), b.text, lb.protocol, lb.affinity_timeout));
    }
}

}  // namespace

void switch_flows_of_load_balancer(Program& p, const LoadBalancerFacts& lb) {
    FlowWriter f(p.flows, Datapaths(p.switches_of_lb(lb.uuid)), lb.uuid);
    for (const Vip& vip : lb.vips) {
        const Endpoint& e = vip.endpoint;
        std::string destination = fmt::format("{}.dst == {}", ip_of(e), e.address);
        std::string remember = fmt::format("{} = {}; ", e.is_ip6 ? "xxreg1" : "reg1", e.address);
        if (e.port) {
            destination += fmt::format(" && {}.dst == {}", lb.protocol, e.port);
            remember += fmt::format("reg2[0..15] = {}; ", e.port);
        }
        f.add(Stage::kSwitchInPreStateful, 120, "reg0[2] == 1 && " + destination, remember + "ct_lb_mark;");

        std::string backends = online_backends(vip), action;
        if (!backends.empty()) {
            action =
                fmt::format("reg0[1] = 0; ct_lb_mark(backends={}{});", backends, selection_fields_text(lb));
        } else if (lb.reject) {
            action = "reg0 = 0; reject { outport <-> inport; next(pipeline=egress,table=5);};";
        } else {
            action = "drop;";
        }
        f.add(Stage::kSwitchInLb, e.port ? 120 : 110, "ct.new && " + destination, action);
        affinity(f, lb, vip);
    }
}

}  // namespace weft::northd
