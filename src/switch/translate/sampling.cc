// Packets for collectors: sFlow and IPFIX of a bridge, IPFIX of sample actions, NetFlow's flows.

#include "switch/protocols/sflow.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;

void Walk::append_sample(uint32_t probability, const UserAction& action, bool with_actions,
                         datapath::PortNo tunnel_egress) {
    datapath::Userspace up;
    up.userdata = action.encode();
    up.actions = with_actions;
    up.tunnel_egress = tunnel_egress;
    if (probability == UINT32_MAX) return append(std::move(up));
    datapath::Sample sample;
    sample.probability = probability;
    sample.actions.push_back(std::move(up));
    append(std::move(sample));
}

// As the packet came in.  Packets that come back were sampled before.
void Walk::sample_input() {
    const Sampling& sampling = bridge_->sampling;
    if (sampling.sflow_probability) {
        UserAction action;
        action.type = UserAction::Type::kSflow;
        action.bridge = bridge_->name();
        append_sample(sampling.sflow_probability, action, true);
        sampled_sflow_ = true;
    }
    if (sampling.ipfix_probability && sampling.ipfix_input) {
        UserAction action;
        action.type = UserAction::Type::kIpfix;
        action.bridge = bridge_->name();
        append_sample(sampling.ipfix_probability, action, false);
        sampled_ipfix_ = true;
    }
    if (bridge_->netflow && flow_.dl_type == 0x0800) {
        mask_.nw_src = mask_.nw_dst = ~0u;
        mask_.nw_proto = 0xff;
        mask_.nw_tos |= 0xfc;
        mask_.tp_src = mask_.tp_dst = 0xffff;
    }
}

// As it is about to leave.
void Walk::sample_output(const OfPort& port) {
    ++outputs_;
    last_out_ = &port;
    last_tci_ = flow_.vlans[0].tci;
    const Sampling& sampling = in_.bridge->sampling;
    if (!sampling.ipfix_probability || !sampling.ipfix_output) return;
    UserAction action;
    action.type = UserAction::Type::kIpfix;
    action.bridge = in_.bridge->name();
    action.output = port.dp_port;
    append_sample(sampling.ipfix_probability, action, false,
                  port.tunnel && sampling.ipfix_tunnels ? port.dp_port : datapath::kNoPort);
}

void Walk::note_netflow_output(uint32_t port) {
    if (bridge_ != in_.bridge || netflow_output_ == Netflow::kFlood) return;
    netflow_output_ = netflow_output_ == Netflow::kDrop ? static_cast<uint16_t>(port) : Netflow::kMulti;
}

// Where the packet went is known now.
void Walk::finish_sampling() {
    auto complete = [&](size_t index, auto change) {
        if (index >= out_.actions.size()) return;
        datapath::Action& action = out_.actions[index];
        datapath::Action* inner = &action;
        if (auto* sample = action.get_if<datapath::Sample>()) inner = &sample->actions.front();
        auto* up = inner->get_if<datapath::Userspace>();
        auto known = up ? UserAction::decode(up->userdata) : std::nullopt;
        if (!known) return;
        change(*known);
        up->userdata = known->encode();
    };
    size_t at = 0;
    if (sampled_sflow_) {
        complete(at++, [&](UserAction& action) {
            action.vlan_tci = outputs_ ? last_tci_ : static_cast<uint16_t>(flow_.vlans[0].tci);
            action.dropped = !outputs_;
            uint32_t ifindex = last_out_ ? last_out_->ifindex : 0;
            action.output = !outputs_                  ? Sflow::kDropped
                            : outputs_ == 1 && ifindex ? ifindex
                                                       : Sflow::kMultiple | outputs_;
        });
    }
    if (sampled_ipfix_) complete(at, [&](UserAction& action) { action.dropped = !outputs_; });

    const packet::Flow& flow = in_.flow;
    if (!in_.bridge->netflow || flow.dl_type != 0x0800 || out_.slow != SlowPath::kNone) return;
    // Of a packet that goes round, the pass that sends it counts.
    bool goes_round = false;
    for (const datapath::Action& action : out_.actions)
        goes_round |= action.get_if<datapath::Recirculate>() != nullptr;
    if (netflow_output_ == Netflow::kDrop && (goes_round || in_.frozen)) return;
    EffectCache::CountNetflow effect;
    effect.bridge = in_.bridge;
    effect.output = netflow_output_;
    effect.key.in_port = in_.frozen ? static_cast<uint32_t>(in_.frozen->metadata.in_port)
                                    : static_cast<uint32_t>(flow.in_port);
    effect.key.nw_src = flow.nw_src;
    effect.key.nw_dst = flow.nw_dst;
    effect.key.nw_proto = flow.nw_proto;
    effect.key.nw_tos = flow.nw_tos & 0xfc;
    if (flow.nw_proto == 1) {
        effect.key.tp_dst = static_cast<uint16_t>((flow.tp_src & 0xff) << 8 | (flow.tp_dst & 0xff));
    } else {
        effect.key.tp_src = flow.tp_src;
        effect.key.tp_dst = flow.tp_dst;
    }
    note(std::move(effect));
}

// The sample action: the packet as it is now goes to a collector set of the bridge.
void Walk::sample(const of::Sample& action) {
    if (!bridge_->sampling.collected) return;  // nobody to tell
    commit();
    UserAction up;
    up.type = UserAction::Type::kFlowSample;
    up.bridge = bridge_->name();
    up.probability = action.probability;
    up.collector_set_id = action.collector_set_id;
    up.obs_domain_id = action.obs_domain_id;
    up.obs_point_id = action.obs_point_id;
    up.direction = static_cast<UserAction::Direction>(action.direction);
    datapath::PortNo tunnel = datapath::kNoPort;
    if (action.sampling_port != of::kPortNone && action.sampling_port != flow_.in_port) {
        if (const OfPort* port = bridge_->port(action.sampling_port)) {
            up.output = port->dp_port;
            if (port->tunnel) tunnel = port->dp_port;
        }
    }
    uint32_t probability = static_cast<uint32_t>(action.probability) << 16 | action.probability;
    if (probability) append_sample(probability, up, false, tunnel);
}

}  // namespace weft::vswitch
