// controller: packets to controllers, with userdata, and paused until the controller gives them back.

#include "switch/translate/user_action.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

// What a table's miss flow sends says so (OpenFlow 1.3, section 5.4), unless it gives a reason of its own.
uint8_t reason_of(const openflow::Controller& action, const Rule* rule) {
    bool miss = rule && !rule->priority() && !rule->shape().size();
    bool plain = action.reason == openflow::PacketInReason::kAction;
    return static_cast<uint8_t>(plain && miss ? openflow::PacketInReason::kExplicitMiss : action.reason);
}

}  // namespace

void Walk::controller(const openflow::Controller& action) {
    commit();
    FrozenState state = freeze_state();
    state.userdata = action.userdata;
    state.stack.clear();
    state.action_set.clear();
    UserAction user;
    user.reason = reason_of(action, rule_);
    user.dont_send = tracing() && !in_.packet;
    user.recirc_id = freeze(std::move(state));
    user.rule_cookie = cookie_;
    user.controller_id = action.controller_id;
    user.max_len = action.max_len;
    user.table = table_;
    if (action.meter_id != 0xffffffff) {
        auto it = bridge_->meters.find(action.meter_id);
        if (it != bridge_->meters.end()) {
            datapath::Sample all{.probability = UINT32_MAX, .actions = {}};
            all.actions.push_back(datapath::Meter{it->second.datapath_id});
            all.actions.push_back(datapath::Userspace{.userdata = user.encode()});
            append(std::move(all));
            return;
        }
    }
    append(datapath::Userspace{.userdata = user.encode()});
}

// The rest of the pipeline is what the continuation carries: it is known only when the walk has unwound.
void Walk::pause(const openflow::Controller& action) {
    commit();
    paused_ = std::make_unique<openflow::Controller>(action);
    paused_->reason = static_cast<openflow::PacketInReason>(reason_of(action, rule_));
    paused_cookie_ = cookie_;
    paused_table_ = table_;
    start_freezing();
}

// Ends a walk that froze: recirculation, or up to the controller.
void Walk::end_freezing() {
    FrozenState state = freeze_state();
    state.segments = std::move(segments_);
    segments_.clear();
    freezing_ = false;
    if (!paused_) return recirculate(std::move(state));
    state.userdata = paused_->userdata;
    UserAction user;
    user.reason = static_cast<uint8_t>(paused_->reason);
    user.dont_send = tracing() && !in_.packet;
    user.continuation = true;
    user.recirc_id = freeze(std::move(state));
    user.rule_cookie = paused_cookie_;
    user.controller_id = paused_->controller_id;
    user.max_len = 0xffff;
    user.table = paused_table_;
    paused_.reset();
    append(datapath::Userspace{.userdata = user.encode()});
}

}  // namespace weft::vswitch
