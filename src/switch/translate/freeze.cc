#include "packet/extract.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

FrozenState Walk::freeze_state() const {
    FrozenState state;
    state.bridge = bridge_->name();
    state.metadata = packet::zero_flow();
    state.metadata.tunnel = flow_.tunnel;
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
