// ACLs: what a switch lets pass, with the memory of connections where one of its ACLs asks for it.
//
// Bits of reg0 that the hint tables set: 7 = a connection may be allowed anew, 8 = it may stay allowed, 9 =
// drop, 10 = drop what was allowed before.

#include <fmt/core.h>

#include <algorithm>
#include <map>

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
        if (kind == kPersistent) out.has_persistent_acl = true;
    }
    for (int64_t tier : p.acl_tiers[sw]) out.last_tier = tier;
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

std::string log_action(Program& p, const nb::ACL& acl, const char* verdict) {
    if (!acl.log) return "";
    std::string out = "log(";
    if (acl.name) out += fmt::format("name={}, ", quoted(*acl.name));
    out += fmt::format("severity={}, ", acl.severity.value_or("info"));
    out += fmt::format("verdict={}", verdict);
    if (std::string meter = acl_meter(p, acl); !meter.empty()) {
        out += fmt::format(", meter={}", quoted(meter));
    }
    return out + "); ";
}

// Tiers (ovn-nb(5), ACL:tier): where a switch has ACLs of several, the packet's is in a register, and what no
// ACL of a tier decided, or one passed on, goes through the table again for the next tier.
constexpr uint16_t kNextTierPriority = 500;  // under all ACLs, over the defaults

const char* tier_register(Stage stage) {
    return stage == Stage::kSwitchInAclAfterLb ? "reg8[26..28]" : "reg8[29..31]";
}

std::string to_tier(Stage stage, int64_t tier) {
    const StageInfo& info = stage_info(stage);
    return fmt::format("{} = {}; next(pipeline={},table={});", tier_register(stage), tier,
                       pipeline_name(stage), info.table);
}

void tiers(FlowWriter& f, const SwitchState& state) {
    for (Stage stage : {Stage::kSwitchInAcl, Stage::kSwitchInAclAfterLb, Stage::kSwitchOutAcl}) {
        for (int64_t tier = 0; tier < state.last_tier; ++tier) {
            f.add(stage, kNextTierPriority, fmt::format("{} == {}", tier_register(stage), tier),
                  to_tier(stage, tier + 1));
        }
    }
}

// What is to be known of the switches that an ACL applies to.
struct AclPlace {
    bool tracked = false;        // they track connections
    bool tiered = false;         // they have ACLs of several tiers
    std::string meter;           // of rejections
    int64_t function_group = 0;  // that packets are led through; 0: none
    auto operator<=>(const AclPlace&) const = default;
};

struct AclFlows {
    Program& p;
    FlowWriter& f;
    const nb::ACL& acl;
    const std::string& match;
    Stage stage;
    uint16_t priority;
    bool tracked;
    const std::string& meter;
    const AclSamples& samples;
    int64_t persistent_id;  // 0: its connections are looked at anew with every packet
    int64_t function_group;

    void allow() {
        std::string log = log_action(p, acl, "allow");
        if (!tracked) return f.add(stage, priority, match, samples.opening + log + "next;");
        if (persistent_id) keep_established();
        std::string label = samples.label ? fmt::format("reg0[13] = 1; reg3 = {}; ", samples.label) : "";
        if (persistent_id) label += fmt::format("reg0[20] = 1; reg2[16..31] = {}; ", persistent_id);
        if (function_group) label += fmt::format("reg9[16..23] = {}; ", function_group);
        f.add(stage, priority, fmt::format("reg0[7] == 1 && ({})", match),
              "reg0[1] = 1; " + label + samples.opening + log + "next;");
        // What was allowed stays so; with a label or a number it is committed anew, to have it.
        f.add(stage, priority, fmt::format("reg0[8] == 1 && ({})", match),
              (label.empty() ? "" : "reg0[1] = 1; " + label) + samples.established + log + "next;");
        bool logs_answers = acl.log && acl.label && ovsdb::get_bool(acl.options, "log-related");
        if (logs_answers) {
            allow_answers(samples.established + log);
        } else if (!samples.established.empty()) {
            allow_answers(samples.established);
        }
    }
    // What the ACL let in passes while there is the ACL, whatever it or others say of the packets by now. The
    // bit and the number were committed with the connection (switch_conntrack.cc).
    void keep_established() {
        constexpr uint16_t kEstablished = 65532;
        const char* not_inv = p.globals({}).use_ct_inv_match ? " && !ct.inv" : "";
        f.add(stage, kEstablished,
              fmt::format(
                  "ct.est && !ct.rel && !ct.new{} && !ct.rpl && ct_mark.blocked == 0 && ct_mark[6] == 1 "
                  "&& ct_label[80..95] == {}",
                  not_inv, persistent_id),
              stage == Stage::kSwitchInAcl ? "reg0[17] = 1; next;" : "next;");
    }
    // Answers and what is related to a connection pass in the other direction, whatever ACLs there are: where
    // they are to be told of, by flows of their own (the others are in connections()).
    void allow_answers(const std::string& tell) {
        constexpr uint16_t kAnswers = 65533;
        bool in = stage == Stage::kSwitchOutAcl;
        Stage other = in ? Stage::kSwitchInAcl : Stage::kSwitchOutAcl;
        const char* not_inv = p.globals({}).use_ct_inv_match ? " && !ct.inv" : "";
        std::string same = fmt::format("ct_mark.blocked == 0 && ct_label.label == {}", samples.label);
        f.add(other, kAnswers, fmt::format("ct.est && !ct.rel && !ct.new{} && ct.rpl && {}", not_inv, same),
              tell + (in ? "reg0[9] = 0; reg0[10] = 0; reg0[17] = 1; next;" : "next;"));
        f.add(other, kAnswers, fmt::format("!ct.est && ct.rel && !ct.new{} && {}", not_inv, same),
              tell + (in ? "reg0[17] = 1; ct_commit_nat;" : "ct_commit_nat;"));
    }
    void drop() {
        std::string log = log_action(p, acl, "drop");
        std::string blocked = p.globals({}).drop_sample + kAclDrop;
        std::string told = samples.opening + log;
        std::string end = told.empty() ? kAclDrop : told + blocked;  // alone it is sampled as all drops are
        if (!tracked) return f.add(stage, priority, match, end);
        f.add(stage, priority, fmt::format("reg0[9] == 1 && ({})", match), end);
        f.add(stage, priority, fmt::format("reg0[10] == 1 && ({})", match),
              "ct_commit { ct_mark.blocked = 1; }; " + samples.established + log + blocked);
    }
    void reject() {
        std::string log = log_action(p, acl, "reject");
        std::string answer = fmt::format(
            "reg0 = 0; reject {{ /* eth.dst <-> eth.src; ip.dst <-> ip.src; is implicit. */ outport <-> "
            "inport; "
            "next(pipeline={}); }};",
            acl.direction == "from-lport" ? "egress,table=5" : "ingress,table=25");
        FlowWriter::More about{"", meter};
        std::string told = samples.opening + log;
        if (!tracked) return f.add(stage, priority, match, told + answer, about);
        f.add(stage, priority, fmt::format("(reg0[9] == 1) && {}", match), told + answer, about);
        f.add(stage, priority, fmt::format("(reg0[10] == 1) && {}", match),
              samples.established + log + "ct_commit { ct_mark.blocked = 1; };  " + answer, about);
    }
    void pass() {
        std::string go_on = log_action(p, acl, "pass") + to_tier(stage, acl.tier + 1);
        if (!tracked || samples.opening == samples.established)
            return f.add(stage, priority, match, samples.opening + go_on);
        f.add(stage, priority, fmt::format("reg0[8] == 0 && reg0[10] == 0 && ({})", match),
              samples.opening + go_on);
        f.add(stage, priority, fmt::format("(reg0[8] == 1 || reg0[10] == 1) && ({})", match),
              samples.established + go_on);
    }
};

void write_acl(Program& p, FlowWriter& f, const nb::ACL& acl, const AclPlace& place) {
    bool tracked = place.tracked;
    bool in = acl.direction == "from-lport";
    Stage stage = !in                                              ? Stage::kSwitchOutAcl
                  : ovsdb::get_bool(acl.options, "apply-after-lb") ? Stage::kSwitchInAclAfterLb
                                                                   : Stage::kSwitchInAcl;
    auto priority = static_cast<uint16_t>(acl.priority + kAclPriority);
    std::string match =
        place.tiered ? fmt::format("{} == {} && ({})", tier_register(stage), acl.tier, acl.match) : acl.match;
    AclSamples samples = samples_of_acl(p, acl);
    const int64_t* persistent_id = p.in.acl_ids.find(acl.uuid);
    AclFlows flows{p,
                   f,
                   acl,
                   match,
                   stage,
                   priority,
                   tracked,
                   place.meter,
                   samples,
                   persistent_id ? *persistent_id : 0,
                   place.function_group};
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
    } else if (acl.action == "pass") {
        flows.pass();
    } else {
        p.complaints.emit(fmt::format("ACL {}: action {} is not supported; it is left out",
                                      acl.uuid.to_string(), acl.action));
    }
}

}  // namespace

void acl_defaults_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    const SwitchState& state = p.switch_state(sw.uuid);
    const Globals& globals = p.globals({});
    bool none = !state.has_acls && !state.has_lb_vip;
    bool tracked = state.has_stateful_acl || state.has_lb_vip;
    tiers(f, state);
    for (Stage stage : {Stage::kSwitchInAclHint, Stage::kSwitchOutAclHint}) hints(f, stage, state);
    for (Stage stage : {Stage::kSwitchInAcl, Stage::kSwitchOutAcl}) {
        if (none) f.add(stage, 65535, "1", "next;");
        f.add(stage, 65532, "nd || nd_ra || nd_rs || mldv1 || mldv2", "next;");
        if (!none) {
            f.add(stage, 0, "1", state.has_acls && globals.default_acl_drop ? "drop;" : "next;");
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
    f.add(Stage::kSwitchInAclAfterLb, 0, "1", state.has_acls && globals.default_acl_drop ? "drop;" : "next;");
    if (tracked) f.add(Stage::kSwitchInAclAfterLb, 65532, "reg0[17] == 1", "next;");
}

void flows_of_acl(Program& p, const Uuid& uuid) {
    const nb::ACL* acl = p.in.acls.get(uuid);
    if (!acl) return;
    bool is_led = acl->network_function_group && acl->action == "allow-related";
    if (acl->network_function_group && !is_led) {
        p.complaints.emit(fmt::format(
            "ACL {}: network_function_group needs action allow-related; it is ignored", uuid.to_string()));
    }
    std::map<AclPlace, std::vector<Uuid>> places;
    for (const AclUse& use : p.acl_uses[uuid]) {
        const SwitchState& state = p.switch_state(use.switch_uuid);
        AclPlace place{state.has_stateful_acl || state.has_lb_vip, state.last_tier > 0, "", 0};
        if (is_led) {
            const FunctionGroup& group = p.function_group(*acl->network_function_group);
            if (group.switch_uuid == use.switch_uuid) {
                place.function_group = group.id;
            } else {
                p.complaints.emit(fmt::format(
                    "ACL {}: its network_function_group has no function on switch {}; it is ignored there",
                    uuid.to_string(), p.switch_(use.switch_uuid).name));
            }
        }
        if (acl->action == "reject") place.meter = copp_meter(p, p.switch_(use.switch_uuid).copp, "reject");
        places[std::move(place)].push_back(use.switch_uuid);
    }
    for (auto& [place, switches] : places) {
        FlowWriter f(p.flows, Datapaths(std::move(switches)), uuid);
        write_acl(p, f, *acl, place);
    }
}

}  // namespace weft::northd
