// Which packets of a switch meet the connection tracker, and what is committed to it.

#include "northd/features.h"

namespace weft::northd {

namespace {

void pre_acl(FlowWriter& f, const SwitchState& state) {
    f.add(Stage::kSwitchInPreAcl, 110, "eth.dst == $svc_monitor_mac", "next;");
    f.add(Stage::kSwitchOutPreAcl, 110, "eth.src == $svc_monitor_mac", "next;");
    for (Stage stage : {Stage::kSwitchInPreAcl, Stage::kSwitchOutPreAcl}) {
        f.add(stage, 0, "1", "next;");
        if (!state.has_stateful_acl) continue;
        f.add(stage, 110, "eth.mcast", "next;");
        f.add(stage, 110,
              "nd || nd_rs || nd_ra || mldv1 || mldv2 || (udp && udp.src == 546 && udp.dst == 547)", "next;");
        f.add(stage, 100, "ip", "reg0[0] = 1; next;");
    }
}

// Packets that an ACL exempted from tracking pass by.  With other_config:enable-stateless-acl-with-lb those
// to a virtual address and from a back end do not: their flows (switch_load_balancer.cc) come first.
constexpr uint16_t kStateless = 110, kStatelessUnlessBalanced = 102;

void pre_load_balancing(FlowWriter& f, const Switch& sw, const SwitchState& state) {
    f.add(Stage::kSwitchInPreLb, 110, "eth.dst == $svc_monitor_mac", "next;");
    f.add(Stage::kSwitchOutPreLb, 110, "eth.src == $svc_monitor_mac", "next;");
    for (Stage stage : {Stage::kSwitchInPreLb, Stage::kSwitchOutPreLb}) {
        f.add(stage, 110, "nd || nd_rs || nd_ra || mldv1 || mldv2", "next;");
        f.add(stage, 110, "eth.mcast", "next;");
        f.add(stage, sw.stateless_acl_with_lb ? kStatelessUnlessBalanced : kStateless, "reg0[16] == 1",
              "next;");
        f.add(stage, 0, "1", "next;");
        if (state.has_lb_vip) f.add(stage, 100, "ip", "reg0[2] = 1; next;");
    }
}

void stateful(FlowWriter& f, const SwitchState& state) {
    for (Stage stage : {Stage::kSwitchInPreStateful, Stage::kSwitchOutPreStateful}) {
        f.add(stage, 110, "reg0[2] == 1", "ct_lb_mark;");
        f.add(stage, 100, "reg0[0] == 1", "ct_next;");
        f.add(stage, 0, "1", "next;");
    }
    for (Stage stage : {Stage::kSwitchInStateful, Stage::kSwitchOutStateful}) {
        if (state.has_persistent_acl) {
            f.add(stage, 110, "reg0[1] == 1 && reg0[20] == 1 && reg0[13] == 1",
                  "ct_commit { ct_mark.blocked = 0; ct_mark[6] = 1; ct_label[80..95] = reg2[16..31]; "
                  "ct_label.label = reg3; }; next;");
            f.add(
                stage, 110, "reg0[1] == 1 && reg0[20] == 1 && reg0[13] == 0",
                "ct_commit { ct_mark.blocked = 0; ct_mark[6] = 1; ct_label[80..95] = reg2[16..31]; }; next;");
        }
        f.add(stage, 100, "reg0[1] == 1 && reg0[13] == 1",
              "ct_commit { ct_mark.blocked = 0; ct_label.label = reg3; }; next;");
        f.add(stage, 100, "reg0[1] == 1 && reg0[13] == 0", "ct_commit { ct_mark.blocked = 0; }; next;");
        f.add(stage, 0, "1", "next;");
    }
}

}  // namespace

void conntrack_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    const SwitchState& state = p.switch_state(sw.uuid);
    pre_acl(f, state);
    pre_load_balancing(f, sw, state);
    stateful(f, state);
}

bool has_own_zone(const SwitchPort& port) {
    return port.type == PortType::kRouter && ovsdb::get_bool(port.options, "enable_router_port_acl");
}

// Ports to routers, physical networks and other switches have no zone in which connections could be tracked:
// their packets pass by, unless they may be for a load balancer.
void conntrack_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    bool is_localnet = port.type == PortType::kLocalnet || port.type == PortType::kSwitch;
    if (!is_localnet && (port.type != PortType::kRouter || port.peer.is_zero())) return;
    const SwitchState& state = p.switch_state(port.switch_uuid);
    std::string in = "ip && inport == " + port.quoted, out = "ip && outport == " + port.quoted;
    FlowWriter::More about{port.name, ""};
    if (!is_localnet || !state.has_lb_vip) {
        f.add(Stage::kSwitchInPreLb, 110, in, "next;", about);
        f.add(Stage::kSwitchOutPreLb, 110, out, state.has_stateful_acl ? "next;" : "ct_clear; next;", about);
    }
    if (state.has_stateful_acl && !has_own_zone(port)) {
        f.add(Stage::kSwitchInPreAcl, 110, in, "next;", about);
        f.add(Stage::kSwitchOutPreAcl, 110, out, "next;", about);
    }
}

}  // namespace weft::northd
