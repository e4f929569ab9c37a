// Mirrors whose copies go to a logical port (ovn-nb(5), Mirror:type lport), wherever that is.
//
// In the port's own switch a port of type mirror, "mp-KEY-SINK", stands for the sink: controllers bind it
// where the sink is, and its packets leave by the sink's interface.  A packet of a mirrored port is cloned at
// the beginning of the pipeline and goes through the first table again; how many mirrors it has passed is in
// reg9[28..31].  A copy of a packet that is in the egress pipeline goes back to the end of the ingress
// pipeline, which sends it (reg9[27]), by the tunnel that the packet came by if need be (flags[30]).

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

namespace {

constexpr uint16_t kFirstRule = 1001, kEverything = 1000, kToSink = 65535;
constexpr size_t kMaxMirrors = 15;  // of one port
constexpr const char* kPassed = "reg9[28..31]";
constexpr const char* kSend = "reg9[27]";

std::string sink_name(Program& p, const Uuid& sw, const nb::Mirror& mirror) {
    const int64_t* key = p.in.tunnel_keys.find(sw);
    return fmt::format("mp-{}-{}", key ? *key : 0, mirror.sink);
}

void sink_row(Program& p, const Uuid& sw, const nb::Mirror& mirror) {
    PortRow row;
    row.name = sink_name(p, sw, mirror);
    row.datapath = sw;
    row.type = "mirror";
    row.mirror_port = mirror.sink;
    p.port_rows.emit(std::move(row));
}

// One mirror of a port in one direction; `number` of others came before.
void copy(Program& p, FlowWriter& f, const SwitchPort& port, const nb::Mirror& mirror, bool in,
          size_t number) {
    Stage stage = in ? Stage::kSwitchInCheckPortSec : Stage::kSwitchOutPreAcl;
    std::string match =
        fmt::format("{} == {} && {} == {}", in ? "inport" : "outport", port.quoted, kPassed, number);
    std::string sink = quoted(sink_name(p, port.switch_uuid, mirror));
    std::string go_on = fmt::format("{} = {}; next(pipeline={},table={});", kPassed, number + 1,
                                    pipeline_name(stage), stage_info(stage).table);
    std::string clone = in ? fmt::format("clone {{ outport = {}; output; }}; ", sink)
                           : fmt::format(
                                 "clone {{ ct_clear; outport = {}; {} = 1; flags[30] = 1; "
                                 "next(pipeline=ingress,table={}); }}; ",
                                 sink, kSend, stage_info(Stage::kSwitchInL2Lkup).table);
    FlowWriter::More about{port.name, ""};
    f.add(stage, kEverything, match, clone + go_on, about);
    for (const Uuid& uuid : mirror.mirror_rules) {
        const nb::MirrorRule* rule = p.in.mirror_rules.get(uuid);
        if (!rule) continue;
        f.add(stage, static_cast<uint16_t>(kFirstRule + rule->priority),
              fmt::format("{} && ({})", match, rule->match), rule->action == "skip" ? go_on : clone + go_on,
              about);
    }
}

}  // namespace

bool is_logical(const nb::Mirror& mirror) {
    return mirror.type == "lport";
}

std::vector<Uuid> logical_mirrors(Program& p, const Uuid& port) {
    std::vector<Uuid> out;
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port);
    if (!row) return out;
    for (const Uuid& uuid : row->mirror_rules) {
        const nb::Mirror* mirror = p.in.mirrors.get(uuid);
        if (mirror && is_logical(*mirror) && p.switch_port_named.contains(mirror->sink)) out.push_back(uuid);
    }
    if (out.size() > kMaxMirrors) out.resize(kMaxMirrors);
    return out;
}

void mirrors_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    bool any = false;
    for (const Uuid& port : p.mirrored_ports[sw.uuid]) {
        for (const Uuid& uuid : logical_mirrors(p, port)) {
            any = true;
            // The copy is no packet of the switch: nothing is asked about it.
            f.add(Stage::kSwitchOutPreAcl, kToSink,
                  "outport == " + quoted(sink_name(p, sw.uuid, *p.in.mirrors.get(uuid))),
                  fmt::format("next(pipeline=egress,table={});",
                              stage_info(Stage::kSwitchOutApplyPortSec).table));
        }
    }
    if (any)
        f.add(Stage::kSwitchInL2Lkup, 200, fmt::format("{} == 1", kSend),
              fmt::format("{} = 0; output;", kSend));
}

void mirrors_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    const nb::LogicalSwitchPort* row = p.in.switch_ports.get(port.uuid);
    if (!row || port.switch_uuid.is_zero()) return;
    size_t in = 0, out = 0;
    for (const Uuid& uuid : logical_mirrors(p, port.uuid)) {
        const nb::Mirror& mirror = *p.in.mirrors.get(uuid);
        sink_row(p, port.switch_uuid, mirror);
        if (mirror.filter != "to-lport") copy(p, f, port, mirror, true, in++);
        if (mirror.filter != "from-lport") copy(p, f, port, mirror, false, out++);
    }
    for (const Uuid& uuid : row->mirror_rules) {
        const nb::Mirror* mirror = p.in.mirrors.get(uuid);
        if (!mirror || !is_logical(*mirror) || p.switch_port_named.contains(mirror->sink)) continue;
        p.complaints.emit(
            fmt::format("Mirror {}: sink {} is no logical switch port", mirror->name, mirror->sink));
    }
}

}  // namespace weft::northd
