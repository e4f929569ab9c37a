#include "cli/trace/walk.h"

#include <fmt/format.h>

#include "cli/trace/actions/action.h"
#include "cli/trace/evaluate.h"
#include "logical/symbol.h"

namespace weft::cli::trace {

namespace {

using logical::Pipeline;
using Kind = Node::Kind;

constexpr const char* kOmitted = "/* omitting output because inport == outport && !flags.loopback */";

constexpr size_t kRegInport = 14, kRegOutport = 15, kRegFlags = 10;

bool may_loop_back(const packet::Flow& packet) {
    return packet.regs[kRegFlags] >> logical::kFlagAllowLoopback & 1;
}

std::string describe(const LogicalFlow& flow, const Network& network) {
    std::string out = fmt::format("{:2}. ", flow.table);
    if (!flow.stage.empty()) {
        out += flow.stage;
        if (!flow.source.empty()) out += fmt::format(" ({})", flow.source);
        out += ": ";
    }
    return out + fmt::format("{}, priority {}, uuid {}", network.friendly_text(flow.match), flow.priority,
                             flow.uuid.to_string().substr(0, 8));
}

std::string_view stage_of(const std::vector<const LogicalFlow*>& flows) {
    for (const LogicalFlow* flow : flows) {
        if (!flow->stage.empty()) return flow->stage;
    }
    return {};
}

}  // namespace

std::string Walk::port_name(const Datapath& datapath, uint32_t key) const {
    if (!key) return "";
    auto port = datapath.ports.find(key);
    return port == datapath.ports.end() ? "(unnamed)" : port->second->friendly;
}

uint32_t Walk::next_ct_state(std::string& note) {
    if (next_ct_ < settings_.ct_states.size()) return settings_.ct_states[next_ct_++];
    note = " /* default (use --ct to customize) */";
    return packet::kCtTracked | packet::kCtEstablished;
}

Nodes Walk::run(const Datapath& datapath, const packet::Flow& packet) {
    Nodes nodes;
    auto inport = datapath.ports.find(packet.regs[kRegInport]);
    const std::string& name = inport == datapath.ports.end() ? "(unnamed)" : inport->second->friendly;
    Node& heading = append(nodes, Kind::kPipeline,
                           fmt::format("ingress(dp=\"{}\", inport=\"{}\")", datapath.friendly, name), true);
    packet::Flow copy = packet;
    run_table({&datapath, Pipeline::kIngress, 0}, copy, true, heading.children);
    return nodes;
}

void Walk::run_table(const Place& place, packet::Flow& packet, bool tail, Nodes& nodes) {
    if (depth_ >= kMaxDepth || ++tables_ > kMaxTables) {
        append(nodes, Kind::kError, "pipelines go round in circles, giving up");
        return;
    }
    ++depth_;
    const auto& flows = place.datapath->flows(place.pipeline, place.table);
    const LogicalFlow* found = nullptr;
    for (const LogicalFlow* flow : flows) {
        if (!is_true(flow->condition, packet, network_, *place.datapath)) continue;
        found = flow;
        break;
    }
    if (!found) {
        std::string_view stage = stage_of(flows);
        append(
            nodes, Kind::kTable,
            fmt::format("{:2}. {}{}no match (implicit drop)", place.table, stage, stage.empty() ? "" : ": "),
            tail);
    } else if (found->trivial) {
        run_table({place.datapath, place.pipeline, static_cast<uint8_t>(place.table + 1)}, packet, tail,
                  nodes);
    } else {
        Node& node = append(nodes, Kind::kTable, describe(*found, network_), tail);
        if (settings_.bridge) {
            std::vector<std::string> lines = settings_.bridge->of(found->uuid, true);
            if (lines.empty()) append(node.children, Kind::kError, "no OpenFlow flows");
            for (std::string& line : lines) append(node.children, Kind::kAction, std::move(line));
        }
        run_actions(found->program.actions, place, packet, node.children);
    }
    --depth_;
}

void Walk::run_actions(const logical::Actions& actions, const Place& place, packet::Flow& packet,
                       Nodes& nodes) {
    Stack stack;
    for (size_t i = 0; i < actions.size(); ++i) {
        std::string text;
        actions[i]->print(text);
        append(nodes, Kind::kAction, network_.friendly_text(text));
        Run run{*this, place, packet, nodes, stack, i + 1 == actions.size(), false};
        run_action(*actions[i], run);
        if (run.stopped) return;
    }
    if (actions.empty()) append(nodes, Kind::kAction, "drop;");
}

void Walk::go_to(const Place& from, Pipeline pipeline, uint8_t table, packet::Flow& packet, bool tail,
                 Nodes& nodes) {
    Place place{from.datapath, pipeline, table};
    if (pipeline == from.pipeline) return run_table(place, packet, tail, nodes);
    bool ingress = pipeline == Pipeline::kIngress;
    uint32_t key = packet.regs[ingress ? kRegInport : kRegOutport];
    Node& heading = append(
        nodes, Kind::kPipeline,
        fmt::format("{}(dp=\"{}\", {}=\"{}\")", ingress ? "ingress" : "egress", from.datapath->friendly,
                    ingress ? "inport" : "outport", port_name(*from.datapath, key)),
        tail);
    run_table(place, packet, true, heading.children);
}

void Walk::output(const Place& place, packet::Flow& packet, bool tail, Nodes& nodes) {
    if (place.pipeline == Pipeline::kEgress) return deliver(place, packet, tail, nodes);
    uint32_t key = packet.regs[kRegOutport];
    if (!key) {
        append(nodes, Kind::kError, "output to null logical port");
        return;
    }
    auto group = place.datapath->groups.find(key);
    if (group != place.datapath->groups.end())
        return output_to_group(place, group->second, packet, tail, nodes);
    auto port = place.datapath->ports.find(key);
    if (port == place.datapath->ports.end()) {
        append(nodes, Kind::kError, fmt::format("unknown port or multicast group {}", key));
        return;
    }
    packet::Flow copy = packet;
    if (port->second->type == "chassisredirect") {
        const Port* distributed = port->second->distributed;
        if (!distributed) {
            append(nodes, Kind::kError,
                   fmt::format("output to type \"{}\" port \"{}\" with no or invalid distributed port",
                               port->second->type, port->second->friendly));
            return;
        }
        append(nodes, Kind::kComment,
               fmt::format("/* Replacing type \"{}\" outport \"{}\" with distributed port \"{}\". */",
                           port->second->type, port->second->friendly, distributed->friendly));
        copy.regs[kRegOutport] = distributed->key;
    }
    if (copy.regs[kRegOutport] == copy.regs[kRegInport] && !may_loop_back(copy)) {
        append(nodes, Kind::kComment, kOmitted);
        return;
    }
    enter_egress(place, copy, tail, nodes);
}

void Walk::output_to_group(const Place& place, const MulticastGroup& group, const packet::Flow& packet,
                           bool tail, Nodes& nodes) {
    Node& heading = append(
        nodes, Kind::kPipeline,
        fmt::format("multicast(dp=\"{}\", mcgroup=\"{}\")", place.datapath->friendly, group.name), tail);
    for (const Port* port : group.ports) {
        packet::Flow copy = packet;
        copy.regs[kRegOutport] = port->key;
        if (port->key != packet.regs[kRegInport] || may_loop_back(packet)) {
            enter_egress(place, copy, false, heading.children);
            continue;
        }
        Node& omitted = append(heading.children, Kind::kPipeline, egress_text(*place.datapath, copy),
                               port == group.ports.back());
        append(omitted.children, Kind::kComment, kOmitted);
    }
}

std::string Walk::egress_text(const Datapath& datapath, const packet::Flow& packet) const {
    return fmt::format("egress(dp=\"{}\", inport=\"{}\", outport=\"{}\")", datapath.friendly,
                       port_name(datapath, packet.regs[kRegInport]),
                       port_name(datapath, packet.regs[kRegOutport]));
}

// Logical registers do not pass from one pipeline to the other (ovn-architecture(7)).
void Walk::enter_egress(const Place& place, packet::Flow packet, bool tail, Nodes& nodes) {
    Node& heading = append(nodes, Kind::kPipeline, egress_text(*place.datapath, packet), tail);
    for (size_t i = 0; i < kRegInport; ++i) packet.regs[i] = 0;
    run_table({place.datapath, Pipeline::kEgress, 0}, packet, true, heading.children);
}

void Walk::deliver(const Place& place, const packet::Flow& packet, bool tail, Nodes& nodes) {
    uint32_t key = packet.regs[kRegOutport];
    auto found = place.datapath->ports.find(key);
    if (found == place.datapath->ports.end()) {
        append(nodes, Kind::kError, fmt::format("output to unknown port {}", key));
        return;
    }
    const Port& port = *found->second;
    append(nodes, Kind::kComment,
           fmt::format("/* output to \"{}\", type \"{}\" */", port.friendly, port.type));
    if (!port.peer) {
        append(nodes, Kind::kOutput, fmt::format("output(\"{}\")", port.friendly));
        return;
    }
    const Datapath& next = *port.peer->datapath;
    packet::Flow copy = packet;
    copy.regs[kRegInport] = port.peer->key;
    copy.regs[kRegOutport] = 0;
    Node& heading =
        append(nodes, Kind::kPipeline,
               fmt::format("ingress(dp=\"{}\", inport=\"{}\")", next.friendly, port.peer->friendly), tail);
    run_table({&next, Pipeline::kIngress, 0}, copy, true, heading.children);
}

std::string ct_state_text(uint32_t state) {
    std::string out;
    constexpr const char* kNames[] = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};
    for (size_t i = 0; i < std::size(kNames); ++i) {
        if (!(state >> i & 1)) continue;
        if (!out.empty()) out += '|';
        out += kNames[i];
    }
    return out;
}

}  // namespace weft::cli::trace
