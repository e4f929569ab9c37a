// ACLs: what a switch lets pass, with the memory of connections where one of its ACLs asks for it.
//
// Bits of reg0 that the hint tables set: 7 = a connection may be allowed anew, 8 = it may stay allowed, 9 =
// drop, 10 = drop what was allowed before.

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

std::vector<Uuid> compute_switches_of_group(Program& p, const Uuid& group) {
    std::vector<Uuid> out;
    const nb::PortGroup* row = p.in.port_groups.get(group);
    if (!row) return out;
    for (const Uuid& port : row->ports) {
        if (const Uuid* sw = p.switch_of.first(port)) out.push_back(*sw);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

SwitchState compute_switch_state(Program& p, const Uuid& sw) {
    SwitchState out;
    for (const std::string& kind : p.acl_kinds[sw]) {
        out.has_acls = true;
        if (kind == "allow-related") out.has_stateful_acl = true;
    }
    out.has_lb_vip = p.switch_vips(sw).any;
    return out;
}

namespace {

void hints(FlowWriter& f, Stage stage, const SwitchState& state) {
    bool none = !state.has_acls && !state.has_lb_vip;
    f.add(stage, none ? 65535 : 0, "1", "next;");
    if (!state.has_stateful_acl && !state.has_lb_vip) return;
    f.add(stage, 7, "ct.new && !ct.est", "reg0[7] = 1; reg0[9] = 1; next;");
    f.add(stage, 6, "!ct.new && ct.est && !ct.rpl && ct_mark.blocked == 1",
          "reg0[7] = 1; reg0[9] = 1; next;");
    f.add(stage, 5, "!ct.trk", "reg0[8] = 1; reg0[9] = 1; next;");
    f.add(stage, 4, "!ct.new && ct.est && !ct.rpl && ct_mark.blocked == 0",
          "reg0[8] = 1; reg0[10] = 1; next;");
    f.add(stage, 3, "!ct.est", "reg0[9] = 1; next;");
    f.add(stage, 2, "ct.est && ct_mark.blocked == 1", "reg0[9] = 1; next;");
    f.add(stage, 1, "ct.est && ct_mark.blocked == 0", "reg0[10] = 1; next;");
}

void connections(FlowWriter& f, Stage stage, const Globals& globals) {
    bool in = stage == Stage::kSwitchInAcl;
    bool inv = globals.use_ct_inv_match;
    const char* not_inv = inv ? "!ct.inv && " : "";
    f.add(stage, 65532,
          inv ? "ct.inv || (ct.est && ct.rpl && ct_mark.blocked == 1)"
              : "(ct.est && ct.rpl && ct_mark.blocked == 1)",
          "drop;");
    f.add(stage, 65532,
          fmt::format("ct.est && !ct.rel && !ct.new && {}ct.rpl && ct_mark.blocked == 0", not_inv),
          in ? "reg0[9] = 0; reg0[10] = 0; reg0[17] = 1; next;" : "next;");
    f.add(stage, 65532, fmt::format("!ct.est && ct.rel && !ct.new && {}ct_mark.blocked == 0", not_inv),
          in ? "reg0[17] = 1; ct_commit_nat;" : "ct_commit_nat;");
}

std::string log_action(const nb::ACL& acl, const char* verdict) {
    if (!acl.log) return "";
    std::string out = "log(";
    if (acl.name) out += fmt::format("name={}, ", quoted(*acl.name));
    out += fmt::format("severity={}, ", acl.severity.value_or("info"));
    out += fmt::format("verdict={}", verdict);
    if (acl.meter) out += fmt::format(", meter={}", quoted(*acl.meter));
    return out + "); ";
}

struct AclFlows {
    FlowWriter& f;
    const nb::ACL& acl;
    Stage stage;
    uint16_t priority;
    bool tracked;  // the switch tracks connections

    void allow() {
        std::string log = log_action(acl, "allow");
        if (!tracked) return f.add(stage, priority, acl.match, log + "next;");
        std::string label = acl.label ? fmt::format("reg0[13] = 1; reg3 = {}; ", acl.label) : "";
        f.add(stage, priority, fmt::format("reg0[7] == 1 && ({})", acl.match),
              "reg0[1] = 1; " + label + log + "next;");
        // What was allowed stays so; with a label it is committed anew, to have it.
        f.add(stage, priority, fmt::format("reg0[8] == 1 && ({})", acl.match),
              (acl.label ? "reg0[1] = 1; " + label : "") + log + "next;");
    }
    void drop() {
        std::string log = log_action(acl, "drop");
        if (!tracked) return f.add(stage, priority, acl.match, log + "/* drop */");
        f.add(stage, priority, fmt::format("reg0[9] == 1 && ({})", acl.match), log + "/* drop */");
        f.add(stage, priority, fmt::format("reg0[10] == 1 && ({})", acl.match),
              "ct_commit { ct_mark.blocked = 1; }; " + log + "/* drop */");
    }
    void reject() {
        std::string log = log_action(acl, "reject");
        std::string answer = fmt::format(
            "reg0 = 0; reject {{ /* eth.dst <-> eth.src; ip.dst <-> ip.src; is implicit. */ outport <-> "
            "inport; "
            "next(pipeline={}); }};",
            acl.direction == "from-lport" ? "egress,table=5" : "ingress,table=25");
        if (!tracked) return f.add(stage, priority, acl.match, log + answer);
        f.add(stage, priority, fmt::format("(reg0[9] == 1) && {}", acl.match), log + answer);
        f.add(stage, priority, fmt::format("(reg0[10] == 1) && {}", acl.match),
              log + "ct_commit { ct_mark.blocked = 1; };  " + answer);
    }
};

void write_acl(Program& p, FlowWriter& f, const nb::ACL& acl, bool tracked) {
    bool in = acl.direction == "from-lport";
    Stage stage = !in                                              ? Stage::kSwitchOutAcl
                  : ovsdb::get_bool(acl.options, "apply-after-lb") ? Stage::kSwitchInAclAfterLb
                                                                   : Stage::kSwitchInAcl;
    auto priority = static_cast<uint16_t>(acl.priority + 1000);
    AclFlows flows{f, acl, stage, priority, tracked};
    if (acl.action == "allow-stateless") {
        if (tracked) {
            f.add(in ? Stage::kSwitchInPreAcl : Stage::kSwitchOutPreAcl, priority, acl.match,
                  "reg0[16] = 1; next;");
        }
        flows.tracked = false;
        flows.allow();
    } else if (acl.action == "allow" || acl.action == "allow-related") {
        flows.allow();
    } else if (acl.action == "drop") {
        flows.drop();
    } else if (acl.action == "reject") {
        flows.reject();
    } else {
        p.complaints.emit(fmt::format("ACL {}: action {} is not supported; it is left out",
                                      acl.uuid.to_string(), acl.action));
    }
    if (acl.tier) {
        p.complaints.emit(
            fmt::format("ACL {}: tier is not supported; it is applied in tier 0", acl.uuid.to_string()));
    }
}

}  // namespace

void acl_defaults_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    const SwitchState& state = p.switch_state(sw.uuid);
    const Globals& globals = p.globals({});
    bool none = !state.has_acls && !state.has_lb_vip;
    bool tracked = state.has_stateful_acl || state.has_lb_vip;
    for (Stage stage : {Stage::kSwitchInAclHint, Stage::kSwitchOutAclHint}) hints(f, stage, state);
    for (Stage stage : {Stage::kSwitchInAcl, Stage::kSwitchOutAcl}) {
        if (none) f.add(stage, 65535, "1", "next;");
        f.add(stage, 65532, "nd || nd_ra || nd_rs || mldv1 || mldv2", "next;");
        if (!none) {
            f.add(stage, 0, "1", globals.default_acl_drop ? "drop;" : "next;");
            f.add(
                stage, 34000,
                stage == Stage::kSwitchInAcl ? "eth.dst == $svc_monitor_mac" : "eth.src == $svc_monitor_mac",
                "next;");
        }
        if (sw.has_dns && stage == Stage::kSwitchOutAcl) {
            f.add(stage, 34000, "udp.src == 53", tracked ? "ct_commit; next;" : "next;");
        }
        if (tracked) {
            connections(f, stage, globals);
            const char* action = globals.default_acl_drop ? "drop;" : "reg0[1] = 1; next;";
            f.add(stage, 1, "ip && !ct.est", action);
            f.add(stage, 1, "ip && ct.est && ct_mark.blocked == 1", "reg0[1] = 1; next;");
        }
    }
    f.add(Stage::kSwitchInAclAfterLb, 65532, "nd || nd_ra || nd_rs || mldv1 || mldv2", "next;");
    f.add(Stage::kSwitchInAclAfterLb, 0, "1", "next;");
    if (tracked) f.add(Stage::kSwitchInAclAfterLb, 65532, "reg0[17] == 1", "next;");
}

void flows_of_acl(Program& p, const Uuid& uuid) {
    const nb::ACL* acl = p.in.acls.get(uuid);
    if (!acl) return;
    std::vector<Uuid> tracked, untracked;
    for (const AclUse& use : p.acl_uses[uuid]) {
        const SwitchState& state = p.switch_state(use.switch_uuid);
        (state.has_stateful_acl || state.has_lb_vip ? tracked : untracked).push_back(use.switch_uuid);
    }
    FlowWriter with(p.flows, Datapaths(std::move(tracked)), uuid);
    FlowWriter without(p.flows, Datapaths(std::move(untracked)), uuid);
    write_acl(p, with, *acl, true);
    write_acl(p, without, *acl, false);
}

}  // namespace weft::northd
