#include "northd/network_function.h"

#include <fmt/core.h>

#include <algorithm>

#include "northd/compute.h"
#include "northd/features.h"

namespace weft::northd {

namespace {

constexpr const char* kGroup = "reg9[16..23]";
constexpr const char* kSend = "reg9[27]";  // switch_mirror.cc
constexpr const char* kAnswer = "ct.est && ct.rpl && !ct.new && ip";
constexpr const char* kFromEgress = "flags[30] = 1";
// Addresses of probes, of which nobody knows but the controller.
constexpr const char* kProbeSource = "169.254.100.10";
constexpr const char* kProbeTarget = "169.254.100.11";

// Where a probe goes: not where it comes from, lest a bridge in between think so.
std::string probe_target_mac(Program& p) {
    const Globals& globals = p.globals({});
    if (!globals.svc_monitor_mac_dst.empty()) return globals.svc_monitor_mac_dst;
    auto mac = parse_mac(globals.svc_monitor_mac);
    if (!mac) return "";
    (*mac)[5] ^= 1;
    return mac_text(*mac);
}

std::string go_to(const char* pipeline, Stage stage) {
    return fmt::format("next(pipeline={},table={});", pipeline, stage_info(stage).table);
}

// From the egress pipeline out of another port, which only a clone may do.
std::string send_to(const std::string& port) {
    return fmt::format("clone {{ ct_clear; outport = {}; {} = 1; {}; {} }};", quoted(port), kSend,
                       kFromEgress, go_to("ingress", Stage::kSwitchInL2Lkup));
}

struct GroupFlows {
    Program& p;
    FlowWriter& f;
    const FunctionGroup& group;
    const FunctionPorts* active;  // null: packets are dropped

    std::string marked(bool to_lport) const {
        return fmt::format("{} && ct_mark[8..15] == {} && ct_mark[7] == {}", kAnswer, group.id,
                           to_lport ? 1 : 0);
    }
    // Packets of the originator, and answers.
    void ingress(const std::string& match, const std::string& port) {
        constexpr uint16_t kRedirect = 150;
        Stage stage = Stage::kSwitchInL2Lkup;
        if (!active) return f.add(stage, kRedirect, match, "drop;");
        if (port.empty()) return;
        if (!group.copies)
            return f.add(stage, kRedirect, match, fmt::format("outport = {}; output;", quoted(port)));
        // Once: the table is gone through again without the mark of the group and of the tracker.
        f.add(stage, kRedirect, match,
              fmt::format("clone {{ outport = {}; output; }}; ct_clear; {} = 0; {}", quoted(port), kGroup,
                          go_to("ingress", stage)));
    }
    void egress(const std::string& match, const std::string& port) {
        constexpr uint16_t kRedirect = 110, kPassed = 111;
        Stage stage = Stage::kSwitchOutCheckPortSec;
        for (const FunctionPorts& each : group.functions) {
            for (const std::string* name : {&each.in, &each.out}) {
                if (name->empty()) continue;
                f.add(stage, kPassed, fmt::format("{} && inport == {}", match, quoted(*name)), go_on());
            }
        }
        if (!active) return f.add(stage, kRedirect, match, "drop;");
        if (port.empty()) return;
        f.add(stage, kRedirect, match,
              group.copies ? fmt::format("{} {}", send_to(port), go_on()) : send_to(port));
    }
    // To what the table does with all others.
    static std::string go_on() {
        return fmt::format("ct_clear; {} = 0; {}", kGroup, go_to("egress", Stage::kSwitchOutCheckPortSec));
    }
    void commit() {
        for (Stage stage : {Stage::kSwitchInStateful, Stage::kSwitchOutStateful}) {
            std::string marks = fmt::format("ct_mark.blocked = 0; ct_mark[7] = {}; ct_mark[8..15] = {}; ",
                                            stage == Stage::kSwitchOutStateful ? 1 : 0, group.id);
            for (bool labelled : {false, true}) {
                for (bool kept : {false, true}) {
                    f.add(stage, 115,
                          fmt::format("reg0[1] == 1 && reg0[13] == {} && reg0[20] == {} && {} == {}",
                                      labelled ? 1 : 0, kept ? 1 : 0, kGroup, group.id),
                          fmt::format("ct_commit {{ {}{}{}}}; next;", marks,
                                      kept ? "ct_mark[6] = 1; ct_label[80..95] = reg2[16..31]; " : "",
                                      labelled ? "ct_label.label = reg3; " : ""));
                }
            }
        }
    }
};

}  // namespace

std::optional<FunctionPorts> function_ports(Program& p, const Uuid& uuid) {
    const nb::NetworkFunction* row = p.in.network_functions.get(uuid);
    const Uuid* sw = row ? p.switch_of.first(row->inport) : nullptr;
    const nb::LogicalSwitchPort* in = sw ? p.in.switch_ports.get(row->inport) : nullptr;
    if (!in) return std::nullopt;
    FunctionPorts out{uuid, *sw, in->name, ""};
    if (!row->outport) return out;
    const Uuid* other = p.switch_of.first(*row->outport);
    const nb::LogicalSwitchPort* port = p.in.switch_ports.get(*row->outport);
    if (!other || *other != *sw || !port) return std::nullopt;
    out.out = port->name;
    return out;
}

std::optional<MonitorKey> function_monitor(Program& p, const Uuid& uuid) {
    const nb::NetworkFunction* row = p.in.network_functions.get(uuid);
    if (!row || !row->health_check) return std::nullopt;
    auto ports = function_ports(p, uuid);
    if (!ports || ports->out.empty()) return std::nullopt;
    const std::string& target = p.globals({}).svc_monitor_ip_dst;
    return MonitorKey{target.empty() ? kProbeTarget : target, ports->out, "icmp", 0};
}

FunctionGroup compute_function_group(Program& p, const Uuid& uuid) {
    FunctionGroup out;
    const nb::NetworkFunctionGroup* row = p.in.network_function_groups.get(uuid);
    if (!row) return out;
    out.id = row->id;
    out.copies = row->mode == "vtap";
    out.fails_open = row->fallback == "fail-open";
    std::vector<std::pair<int64_t, Uuid>> by_id;
    for (const Uuid& each : row->network_function) {
        if (const nb::NetworkFunction* function = p.in.network_functions.get(each))
            by_id.emplace_back(function->id, each);
    }
    std::sort(by_id.begin(), by_id.end());
    std::vector<Uuid> alive;
    for (const auto& [id, function] : by_id) {
        auto ports = function_ports(p, function);
        bool whole = ports && (out.copies || !ports->out.empty());
        if (!whole || (!out.functions.empty() && ports->switch_uuid != out.switch_uuid)) continue;
        out.switch_uuid = ports->switch_uuid;
        out.functions.push_back(std::move(*ports));
        auto monitor = function_monitor(p, function);
        const std::string* state = monitor ? p.in.monitor_states.find(*monitor) : nullptr;
        if (!state || state->empty() || *state == "online") alive.push_back(function);
    }
    if (alive.empty()) return out;
    const auto& present = row->network_function_active;
    bool stays = present && std::find(alive.begin(), alive.end(), *present) != alive.end();
    out.active = stays ? *present : alive.front();
    return out;
}

void list_function_ports(Program& p, const Uuid& uuid) {
    auto ports = function_ports(p, uuid);
    if (!ports) return;
    for (const std::string* name : {&ports->in, &ports->out}) {
        if (!name->empty()) p.function_port_names.emit(ports->switch_uuid, *name);
    }
}

// Its ports, and the probes of it.
void flows_of_function(Program& p, const Uuid& uuid) {
    auto ports = function_ports(p, uuid);
    const nb::NetworkFunction* row = p.in.network_functions.get(uuid);
    if (!ports) {
        p.complaints.emit(fmt::format(
            "Network_Function {}: its ports are not those of one switch; it is left out", row->name));
        return;
    }
    FlowWriter f(p.flows, ports->switch_uuid, row->inport);
    for (const std::string* name : {&ports->in, &ports->out}) {
        if (name->empty()) continue;
        f.add(Stage::kSwitchInCheckPortSec, 90, "inport == " + quoted(*name),
              go_to("ingress", Stage::kSwitchInL2Lkup), {*name, ""});
        f.add(Stage::kSwitchOutPreAcl, 65535, "outport == " + quoted(*name),
              go_to("egress", Stage::kSwitchOutApplyPortSec), {*name, ""});
    }
    if (row->health_check && ports->out.empty()) {
        p.complaints.emit(fmt::format(
            "Network_Function {}: one that has no outport cannot be checked; it counts as alive", row->name));
    }
    auto monitor = function_monitor(p, uuid);
    const auto* check = row->health_check ? p.in.function_health_checks.get(*row->health_check) : nullptr;
    if (!monitor || !check) return;
    std::string mac = probe_target_mac(p);
    if (mac.empty()) return;  // not chosen yet
    f.add(Stage::kSwitchInL2Lkup, 160,
          fmt::format("inport == {} && eth.dst == {} && icmp4", quoted(ports->out), mac),
          "handle_svc_check(inport);");
    ServiceMonitorRow out;
    out.type = "network-function";
    out.ip = monitor->ip;
    out.protocol = monitor->protocol;
    out.port_name = monitor->port_name;
    out.input_port = ports->in;
    out.mac = mac;
    const Globals& globals = p.globals({});
    out.src_ip = globals.svc_monitor_ip.empty() ? kProbeSource : globals.svc_monitor_ip;
    out.src_mac = globals.svc_monitor_mac;
    out.options = check->options;
    p.service_monitor_rows.emit(std::move(out));
}

void flows_of_function_group(Program& p, const Uuid& uuid) {
    const FunctionGroup& group = p.function_group(uuid);
    p.function_status_rows.emit({uuid, group.active});
    if (group.functions.empty()) return;
    FlowWriter f(p.flows, group.switch_uuid);
    auto active = std::find_if(group.functions.begin(), group.functions.end(),
                               [&](const FunctionPorts& each) { return each.function == group.active; });
    GroupFlows flows{p, f, group, active == group.functions.end() ? nullptr : &*active};
    flows.commit();
    // By mirrors, too.
    f.add(Stage::kSwitchInL2Lkup, 200, fmt::format("{} == 1", kSend), fmt::format("{} = 0; output;", kSend));
    if (!flows.active && group.fails_open) return;
    std::string in = flows.active ? flows.active->in : "";
    std::string out = flows.active ? (group.copies ? in : flows.active->out) : "";
    std::string request = fmt::format("{} == {} && ip", kGroup, group.id);
    flows.ingress(request, in);
    flows.ingress(flows.marked(true), out);
    flows.egress(request, in);
    flows.egress(flows.marked(false), out);
}

}  // namespace weft::northd
