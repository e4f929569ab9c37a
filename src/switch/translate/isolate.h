// Walk::isolated(): a branch of the walk whose effects on the packet end with it.

#pragma once

#include <fmt/core.h>

#include "switch/translate/walk.h"

namespace weft::vswitch {

// True if later actions cannot restore the packet by setting fields again.  Tracking and recirculation leave
// it as it is, but for translation; a header that was taken off and put on again is there to be set.
inline bool irreversible(const datapath::Actions& actions, size_t from, bool same_type) {
    for (size_t i = from; i < actions.size(); ++i) {
        const datapath::Action& action = actions[i];
        auto* tracked = action.get_if<datapath::Conntrack>();
        bool ethernet = action.get_if<datapath::PushEth>() || action.get_if<datapath::PopEth>();
        if ((tracked && tracked->nat) || (ethernet && !same_type) || action.get_if<datapath::PushNsh>() ||
            action.get_if<datapath::PopNsh>() || action.get_if<datapath::AddMpls>() ||
            action.get_if<datapath::Meter>() || action.get_if<datapath::ConntrackClear>() ||
            action.get_if<datapath::Truncate>() || action.get_if<datapath::PushTunnel>()) {
            return true;
        }
    }
    return false;
}

template <typename Body>
void Walk::isolated(Body body, bool last, bool copied) {
    packet::Flow flow = flow_, base = base_;
    auto stack = stack_;
    size_t stack_bytes = stack_bytes_;
    auto action_set = action_set_;
    bool conntracked = conntracked_, was_mpls = was_mpls_, was_exit = exit_;
    auto pending_nsh = pending_nsh_ ? std::make_unique<Bytes>(*pending_nsh_) : nullptr;
    bool pending_mpls = pending_mpls_;
    auto segments = std::move(segments_);
    segments_.clear();
    datapath::Actions before = std::move(out_.actions);
    out_.actions.clear();

    body();
    if (freezing_ && out_.error == TranslateError::kNone) end_freezing();
    freezing_ = false;
    paused_.reset();

    datapath::Actions inner = std::move(out_.actions);
    out_.actions = std::move(before);
    if (copied || (!last && irreversible(inner, 0, base_.packet_type == flow.packet_type))) {
        if (!inner.empty()) out_.actions.push_back(datapath::Clone{std::move(inner)});
        base_ = base;
    } else {
        for (auto& action : inner) out_.actions.push_back(std::move(action));
    }
    flow_ = flow;
    stack_ = std::move(stack);
    stack_bytes_ = stack_bytes;
    action_set_ = std::move(action_set);
    pending_nsh_ = std::move(pending_nsh);
    pending_mpls_ = pending_mpls;
    conntracked_ = conntracked;
    was_mpls_ = was_mpls;
    segments_ = std::move(segments);
    exit_ = was_exit || out_.error != TranslateError::kNone;
}

template <typename Prepare>
void Walk::enter_bridge(OfPort& peer, bool nested, Prepare prepare) {
    bool last = last_output_;
    Bridge* saved_bridge = bridge_;
    uint8_t saved_table = table_;
    Rule* saved_rule = rule_;
    uint64_t saved_cookie = cookie_;
    uint32_t saved_mirrored = mirrored_;
    std::list<TraceNode>* saved_trace = trace_;
    if (in_.trace && !nested) trace_ = in_.trace;
    isolated(
        [&] {
            bridge_ = peer.bridge;
            action_set_.clear();
            stack_.clear();
            stack_bytes_ = 0;
            flow_.in_port = peer.number;
            flow_.metadata = 0;
            flow_.regs = {};
            flow_.tunnel = packet::zero_flow().tunnel;
            flow_.actset_output = openflow::kPortUnset;
            clear_ct_fields();
            conntracked_ = false;
            exit_ = false;
            prepare();
            TraceNode* node =
                tracing() ? report(TraceNode::Kind::kBridge, fmt::format("bridge(\"{}\")", bridge_->name()))
                          : nullptr;
            Nest nest(*this, node);
            bool saved_set = in_action_set_, saved_group = in_group_;
            in_action_set_ = in_group_ = false;
            ++depth_;
            mirrored_ = 0;
            patch_input(peer);
            if (!freezing_) do_action_set();
            --depth_;
            in_action_set_ = saved_set;
            in_group_ = saved_group;
        },
        last);
    trace_ = saved_trace;
    bridge_ = saved_bridge;
    table_ = saved_table;
    rule_ = saved_rule;
    cookie_ = saved_cookie;
    mirrored_ = saved_mirrored;
}

}  // namespace weft::vswitch
