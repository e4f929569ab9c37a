#include <cstring>

#include "packet/address.h"
#include "packet/extract.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

// Whether flow_.tunnel may say what the packet's key said.
bool Walk::came_by_tunnel() const {
    const packet::Tunnel& tunnel = in_.flow.tunnel;
    return !in_.frozen && bridge_ == in_.bridge && (tunnel.dst || !packet::is_zero(tunnel.ipv6_dst));
}

// Which of the fields that are Geneve options there are, and what they say.
void Walk::look_at_options() {
    packet::Tunnel& mask = mask_.tunnel;
    for (unsigned i = 0; i < packet::kTunnelMetadataFields; ++i) {
        const auto* slot = tunnel_table()->slot(i);
        if (!slot) continue;
        mask.metadata_present = mask.metadata_present | uint64_t{1} << i;
        if (in_.flow.tunnel.metadata_present >> i & 1)
            std::memset(mask.metadata.data() + slot->offset, 0xff, slot->size);
    }
}

void Walk::look_at_policy() {
    mask_.tunnel.gbp_id = 0xffff;
    mask_.tunnel.gbp_flags = 0xff;
}

// What is kept of a tunnel is kept for all packets of the megaflow: it must be theirs, too.
FrozenState Walk::freeze_state() {
    if (came_by_tunnel()) {
        mask_.tunnel.tos = mask_.tunnel.ttl = 0xff;
        look_at_options();
        OfPort* port = bridge_->port(in_.flow.in_port);
        if (port && port->tunnel && port->tunnel->gbp) look_at_policy();
    }
    FrozenState state;
    state.bridge = bridge_->name();
    state.metadata = packet::zero_flow();
    state.metadata.tunnel = flow_.tunnel;
    state.metadata.tunnel.tp_src = state.metadata.tunnel.tp_dst = 0;  // no field of OpenFlow's
    state.metadata.metadata = flow_.metadata;
    state.metadata.regs = flow_.regs;
    state.metadata.in_port = flow_.in_port;
    state.metadata.actset_output = flow_.actset_output;
    state.stack = stack_;
    state.action_set = action_set_;
    state.conntracked = conntracked_;
    state.was_mpls = was_mpls_;
    state.mirrored = mirrored_;
    return state;
}

uint32_t Walk::freeze(FrozenState state) {
    uint32_t id = backer_.recirculations().acquire(state);
    out_.recirculations.adopt(id);
    return id;
}

void Walk::recirculate(FrozenState state) {
    commit();
    uint32_t id = freeze(std::move(state));
    append(datapath::Recirculate{id});
    if (!tracing()) return;
    packet::Flow flow = flow_;
    if (!flow.dp_hash && out_.actions.size() > 1 &&
        out_.actions[out_.actions.size() - 2].get_if<datapath::Hash>()) {
        flow.dp_hash = packet::flow_hash(flow, 0);
    }
    // What a decap() did not say is told by the Ethertype that the datapath was given.
    if (flow.packet_type && flow.packet_type >> 16 == 0) flow.packet_type = 1u << 16 | flow.dl_type;
    out_.trace_recirculations.push_back({id, flow, false});
}

void Walk::start_freezing() {
    freezing_ = true;
    exit_ = true;
}

void Walk::collect_rest(const openflow::ActionList& actions, size_t from) {
    if (from >= actions.size()) return;
    FrozenSegment segment;
    segment.table = table_;
    segment.cookie = cookie_;
    segment.actions = std::make_shared<const openflow::ActionList>(
        actions.begin() + static_cast<std::ptrdiff_t>(from), actions.end());
    segments_.push_back(std::move(segment));
}

}  // namespace weft::vswitch
