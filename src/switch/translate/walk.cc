#include "switch/translate/walk.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "packet/address.h"
#include "packet/bpdu.h"
#include "packet/ethernet.h"
#include "packet/lacp.h"
#include "packet/lldp.h"

namespace weft::vswitch {

namespace of = openflow;

const char* error_text(TranslateError error) {
    switch (error) {
        case TranslateError::kNone:
            return "OK";
        case TranslateError::kTooDeep:
            return "Recursion too deep";
        case TranslateError::kTooManyResubmits:
            return "Too many resubmits";
        case TranslateError::kStackTooDeep:
            return "Stack too deep";
        case TranslateError::kNoRecirculation:
            return "No recirculation context";
        case TranslateError::kBridgeNotFound:
            return "Bridge not found";
        case TranslateError::kTunnelNoDestination:
            return "Native tunnel neighbor cache miss";
        case TranslateError::kUnsupportedPacketType:
            return "Unsupported packet type";
        case TranslateError::kTooManyLabels:
            return "Too many MPLS labels";
        case TranslateError::kForwardingDisabled:
            return "Forwarding is disabled";
    }
    return "";
}

TranslateOutput translate(const TranslateInput& input) {
    TranslateOutput output;
    output.recirculations = RecirculationRefs(input.backer->recirculations());
    Walk(input, output).run();
    return output;
}

Walk::Walk(const TranslateInput& input, TranslateOutput& output)
    : in_(input),
      out_(output),
      backer_(*input.backer),
      bridge_(input.bridge),
      trace_(input.trace),
      flow_(input.flow),
      base_(input.flow),
      mask_(output.mask) {}

void Walk::run() {
    TraceNode* node = tracing()
                          ? report(TraceNode::Kind::kBridge, fmt::format("bridge(\"{}\")", bridge_->name()))
                          : nullptr;
    {
        Nest nest(*this, node);
        enter();
        if (out_.error == TranslateError::kNone && !freezing_) do_action_set();
        if (freezing_ && out_.error == TranslateError::kNone) end_freezing();
    }
    finish();
}

void Walk::enter() {
    // What every megaflow depends on.
    mask_.recirc_id = ~0u;
    mask_.in_port = ~0u;
    mask_.packet_type = ~0u;
    mask_.dl_type = 0xffff;
    if (flow_.dl_type == 0x0800 || flow_.dl_type == 0x86dd) mask_.nw_frag = kFragMask;
    if (flow_.tunnel.dst || !packet::is_zero(flow_.tunnel.ipv6_dst)) {
        mask_.tunnel.id = ~uint64_t{0};
        mask_.tunnel.src = mask_.tunnel.dst = ~0u;
        mask_.tunnel.ipv6_src.fill(0xff);
        mask_.tunnel.ipv6_dst.fill(0xff);
        mask_.tunnel.flags = 0xffff;
        // Congestion that the tunnel met is passed on to the packet (RFC 6040).
        if ((flow_.dl_type == 0x0800 || flow_.dl_type == 0x86dd) && !in_.frozen) {
            mask_.tunnel.tos = 3;
            if ((flow_.tunnel.tos & 3) == 3) {
                mask_.nw_tos |= 3;
                if (flow_.nw_tos & 3) flow_.nw_tos |= 3;
            }
        }
    }
    flow_.actset_output = of::kPortUnset;
    if (in_.actions) {
        sample_input();
        table_ = in_.first_table;
        do_actions(*in_.actions, true);
        return;
    }
    if (in_.frozen) {
        thaw(*in_.frozen);
        return;
    }
    OfPort* port = bridge_->port(flow_.in_port);
    if (port && port->tunnel) note(EffectCache::CountTunnel{bridge_, port->number, false});
    if (port && !port->may_receive()) {
        out_.drop = explain::DropReason::kForwardingDisabled;
        return;
    }
    if (port && port->tunnel && port->tunnel->packets == TunnelPackets::kLegacyL3 && flow_.packet_type) {
        flow_.packet_type = 0;  // an Ethernet header of zeros is put on when somebody is to see it
        flow_.dl_src = flow_.dl_dst = {};
    }
    if (port && takes_protocol(*port)) return;
    if (port && is_bpdu()) {
        out_.slow = SlowPath::kStp;
        no_actions_ = true;
        table_lookup(flow_.in_port, 0, true, true, true);
        no_actions_ = false;
        return;
    }
    sample_input();
    if (port && !enter_mirrors(*port)) return;
    if (bridge_->frag_mode == FragMode::kDrop && (flow_.nw_frag & packet::kFragAny)) {
        report(TraceNode::Kind::kAction, "drop");
        count_rule(*bridge_->drop_frags_rule());
        return;
    }
    through_tree(port, [&] { table_lookup(flow_.in_port, 0, true, true, true); });
    output_dhcp_in_band();
}

// False: the packet goes no further.
bool Walk::enter_mirrors(const OfPort& port) {
    if (bridge_->mirrors().empty() || !port.bundle) return true;
    if (bridge_->mirrors_to(port.bundle->name)) {
        report(TraceNode::Kind::kError,
               fmt::format("dropping packet received on port {}, which is reserved exclusively for mirroring",
                           port.bundle->name));
        return false;
    }
    mirror_input(*port.bundle);
    return true;
}

// Packets of protocols that the switch itself speaks on the port.
bool Walk::takes_protocol(const OfPort& port) {
    if (port.lacp && flow_.dl_type == packet::kSlowProtocols)
        out_.slow = SlowPath::kLacp;
    else if (port.lldp && flow_.dl_type == packet::kLldp)
        out_.slow = SlowPath::kLldp;
    else if (port.cfm && port.cfm->matches(flow_, mask_))
        out_.slow = SlowPath::kCfm;
    else if (port.bfd && port.bfd->matches(flow_, mask_))
        out_.slow = SlowPath::kBfd;
    else
        return false;
    report(TraceNode::Kind::kTable, fmt::format("{:2}. No match.", table_));
    return true;
}

// True if the packet is a BPDU and the bridge speaks the protocol (ovs-vswitchd.conf.db(5), forward-bpdu).
bool Walk::is_bpdu() {
    if (!bridge_->spanning_tree) return false;
    mask_.dl_dst.fill(0xff);
    return flow_.dl_dst == packet::kBridgeGroupAddress && flow_.dl_type == packet::ethernet::kTypeNone;
}

template <typename Body>
void Walk::through_tree(const OfPort* port, Body body) {
    if (!port || forwards(port->tree)) return body();
    bool saved = std::exchange(no_actions_, no_actions_ || !learns(port->tree));
    packet::Flow base = base_;
    size_t actions = out_.actions.size();
    body();
    out_.actions.erase(out_.actions.begin() + static_cast<std::ptrdiff_t>(actions), out_.actions.end());
    base_ = base;
    no_actions_ = saved;
    action_set_.clear();
    if (out_.drop == explain::DropReason::kNone) out_.drop = explain::DropReason::kForwardingDisabled;
}

void Walk::patch_input(OfPort& peer) {
    if (is_bpdu()) {
        out_.slow = SlowPath::kAction;
        out_.deliveries.push_back({bridge_->name(), peer.number});
        no_actions_ = true;
        table_lookup(flow_.in_port, 0, true, true, true);
        no_actions_ = false;
        return;
    }
    if (!enter_mirrors(peer)) return;
    through_tree(&peer, [&] {
        if (!was_mpls_) return table_lookup(flow_.in_port, 0, true, true, true);
        // What is below the popped label is not parsed yet: the tables are asked when the packet has gone
        // round.
        was_mpls_ = false;
        FrozenState state = freeze_state();
        state.table = 0;
        recirculate(std::move(state));
    });
}

void Walk::thaw(const FrozenState& state) {
    if (!state.bond.empty()) return thaw_bond(state);
    TraceNode* node = report(TraceNode::Kind::kThaw, "thaw");
    packet::Flow metadata = state.metadata;
    flow_.tunnel = metadata.tunnel;
    base_.tunnel = flow_.tunnel;
    flow_.metadata = metadata.metadata;
    flow_.regs = metadata.regs;
    flow_.in_port = metadata.in_port;
    flow_.actset_output = metadata.actset_output;
    base_.in_port = flow_.in_port;
    conntracked_ = state.conntracked;
    was_mpls_ = state.was_mpls;
    mirrored_ = state.mirrored;
    if (!conntracked_) clear_ct_fields();
    stack_ = state.stack;
    for (const Bytes& item : stack_) stack_bytes_ += item.size();
    action_set_ = state.action_set;
    auto resuming = [&](std::string text) {
        if (node) node->children.push_back({TraceNode::Kind::kDetail, std::move(text), {}});
    };
    if (state.table != FrozenState::kNoTable) {
        resuming(fmt::format("Resuming from table {}", state.table));
        table_lookup(flow_.in_port, state.table, true, true, true);
        return;
    }
    for (size_t i = 0; i < state.segments.size() && !exit_; ++i) {
        const FrozenSegment& segment = state.segments[i];
        table_ = segment.table;
        cookie_ = segment.cookie;
        if (node) resuming(fmt::format("restored actions: {}", of::to_string(*segment.actions)));
        do_actions(*segment.actions, i + 1 == state.segments.size());
        if (freezing_) {
            for (size_t j = i + 1; j < state.segments.size(); ++j) segments_.push_back(state.segments[j]);
        }
    }
}

void Walk::fail(TranslateError error) {
    if (out_.error == TranslateError::kNone) out_.error = error;
    exit_ = true;
}

bool Walk::too_deep() {
    if (depth_ >= kMaxDepth) {
        report(TraceNode::Kind::kError, fmt::format("over max translation depth {}", kMaxDepth));
        fail(TranslateError::kTooDeep);
        out_.drop = explain::DropReason::kTranslationTooDeep;
        return true;
    }
    if (resubmits_ >= kMaxResubmits) {
        report(TraceNode::Kind::kError, fmt::format("over {} resubmit actions", kMaxResubmits));
        fail(TranslateError::kTooManyResubmits);
        out_.drop = explain::DropReason::kTranslationTooDeep;
        return true;
    }
    return false;
}

void Walk::count_rule(Rule& rule, uint64_t* lookups) {
    if (in_.cache) in_.cache->visits.push_back({RuleRef(&rule), lookups});
}

void Walk::table_lookup(uint32_t in_port, uint8_t table, bool may_packet_in, bool honor_miss, bool last) {
    if (too_deep()) return;
    uint8_t saved_table = table_;
    table_ = table;
    uint32_t saved_port = flow_.in_port;
    uint16_t saved_src = flow_.tp_src, saved_dst = flow_.tp_dst;
    flow_.in_port = in_port;
    // A first fragment is like the later ones, which have no ports and types (ovs-ofctl(8), set-frags).
    if (bridge_->frag_mode == FragMode::kNormal && (flow_.nw_frag & packet::kFragAny))
        flow_.tp_src = flow_.tp_dst = 0;
    Rule* rule = nullptr;
    uint64_t* lookups = nullptr;
    for (;;) {
        FlowTable& flows = bridge_->table(table_);
        rule = flows.lookup(flow_, &mask_);
        lookups = rule ? &flows.matched : &flows.missed;
        if (rule || !honor_miss || flows.miss != MissAction::kContinue || table_ + 1u >= kInternalTable)
            break;
        if (in_.cache) in_.cache->visits.push_back({nullptr, lookups});
        ++table_;
    }
    flow_.in_port = saved_port;
    flow_.tp_src = saved_src, flow_.tp_dst = saved_dst;
    TraceNode* node = nullptr;
    if (!rule) {
        if (tracing()) node = report(TraceNode::Kind::kTable, fmt::format("{:2}. No match.", table_));
        OfPort* port = bridge_->port(in_port);
        bool to_controller =
            may_packet_in && honor_miss && bridge_->table(table_).miss != MissAction::kDrop &&
            (bridge_->table(table_).miss == MissAction::kController || bridge_->packet_in_on_miss) &&
            (!port || !(port->config & kPortConfigNoPacketIn));
        rule = to_controller ? bridge_->miss_rule() : bridge_->no_packet_in_rule();
    } else if (tracing()) {
        std::string text = text_of(rule->match());
        if (!text.empty()) text += ", ";
        text += fmt::format("priority {}", rule->priority());
        if (rule->cookie) text += fmt::format(", cookie {:#x}", rule->cookie);
        node = report(TraceNode::Kind::kTable, fmt::format("{:2}. {}", table_, text));
    }
    {
        Nest nest(*this, node);
        Rule* saved_rule = rule_;
        uint64_t saved_cookie = cookie_;
        rule_ = rule;
        cookie_ = rule->cookie;
        count_rule(*rule, lookups);
        // A walk to ever higher tables ends by itself; only steps back (or in place) can go round for ever.
        bool back = saved_rule && table_ <= saved_table;
        depth_ += back;
        ++resubmits_;
        RuleRef hold(rule);  // a learn action may delete it
        ActionsRef actions = rule->actions;
        bool saved_group = std::exchange(in_group_, false);
        if (!no_actions_) do_actions(*actions, last);
        in_group_ = saved_group;
        depth_ -= back;
        rule_ = saved_rule;
        cookie_ = saved_cookie;
    }
    table_ = saved_table;
}

void Walk::resubmit(const of::Resubmit& action, bool last) {
    uint32_t in_port =
        action.in_port == of::kPortInPort ? static_cast<uint32_t>(flow_.in_port) : action.in_port;
    uint8_t table = action.table == of::kTableAll ? table_ : action.table;
    bool may_packet_in = false, honor_miss = false;
    if (rule_ && rule_->table == kInternalTable) may_packet_in = honor_miss = true;
    if (!action.with_ct_orig) {
        table_lookup(in_port, table, may_packet_in, honor_miss, last);
        return;
    }
    // The lookup sees the connection's original direction in place of the packet's 5-tuple.
    if (!flow_.ct_nw_proto) {
        warning("resubmit(ct) with no conntrack original tuple");
        return;
    }
    mask_.ct_nw_proto = 0xff;
    // In a frame of its own: plain resubmits nest thousands deep.
    auto with_original_tuple = [&]() __attribute__((noinline)) {
        packet::Flow saved = flow_, saved_mask = mask_;
        flow_.nw_proto = flow_.ct_nw_proto;
        flow_.tp_src = flow_.ct_tp_src, flow_.tp_dst = flow_.ct_tp_dst;
        flow_.nw_src = flow_.ct_nw_src, flow_.nw_dst = flow_.ct_nw_dst;
        flow_.ipv6_src = flow_.ct_ipv6_src, flow_.ipv6_dst = flow_.ct_ipv6_dst;
        table_lookup(in_port, table, may_packet_in, honor_miss, last);
        // Whatever was looked at of the 5-tuple was the tracked one's.
        mask_.ct_tp_src |= mask_.tp_src, mask_.ct_tp_dst |= mask_.tp_dst;
        mask_.ct_nw_src |= mask_.nw_src, mask_.ct_nw_dst |= mask_.nw_dst;
        for (size_t i = 0; i < 16; ++i) {
            mask_.ct_ipv6_src[i] |= mask_.ipv6_src[i];
            mask_.ct_ipv6_dst[i] |= mask_.ipv6_dst[i];
        }
        mask_.tp_src |= saved_mask.tp_src, mask_.tp_dst |= saved_mask.tp_dst;
        flow_.nw_proto = saved.nw_proto;
        flow_.tp_src = saved.tp_src, flow_.tp_dst = saved.tp_dst;
        flow_.nw_src = saved.nw_src, flow_.nw_dst = saved.nw_dst;
        flow_.ipv6_src = saved.ipv6_src, flow_.ipv6_dst = saved.ipv6_dst;
    };
    with_original_tuple();
}

namespace {

// Whether the action needs more than the header that the last label stood behind.
bool looks_below_label(const of::Action& action, bool elsewhere) {
    if (auto* set = action_cast<of::SetField>(action)) {
        of::Prerequisite needs = of::field(set->field).prerequisite;
        return needs != of::Prerequisite::kNone && needs != of::Prerequisite::kEthernet;
    }
    if (action_cast<of::Output>(action)) return elsewhere;
    return !action_cast<of::Group>(action) && !action_cast<of::OutputReg>(action) &&
           !action_cast<of::OutputTrunc>(action) && !action_cast<of::SetQueue>(action);
}

}  // namespace

void Walk::do_actions(const of::ActionList& actions, bool last) {
    if (actions.empty() && tracing()) report(TraceNode::Kind::kAction, "drop");
    for (size_t i = 0; i < actions.size(); ++i) {
        if (exit_) break;
        const of::Action& action = actions[i];
        bool last_here = last && i + 1 == actions.size() && action_set_.empty();
        if (was_mpls_ && looks_below_label(action, bridge_ != in_.bridge)) {
            // What is below the popped label is not parsed yet: the packet goes round once.
            was_mpls_ = false;
            start_freezing();
            collect_rest(actions, i);
            return;
        }
        TraceNode* node =
            tracing() ? report(TraceNode::Kind::kAction, text_of(of::ActionList{action})) : nullptr;
        bool nested = action_cast<of::Resubmit>(action) || action_cast<of::GotoTable>(action) ||
                      action_cast<of::Group>(action) || action_cast<of::Output>(action);
        Nest nest(*this, nested ? node : nullptr);
        do_action(action, actions, i, last_here);
        if (action_cast<of::CheckPktLarger>(action)) return;  // it did the rest of the list
        if (std::exchange(list_ends_, false)) return;
        if (freezing_) {
            if (!resume_at_current_)
                collect_rest(actions, i + 1);
            else
                collect_rest(actions, i);
            resume_at_current_ = false;
            return;
        }
    }
}

void Walk::do_action(const of::Action& action, const of::ActionList& list, size_t index, bool last) {
    if (auto* a = action_cast<of::Output>(action)) return output(a->port, a->max_len, last);
    if (auto* a = action_cast<of::Resubmit>(action)) return resubmit(*a, last);
    if (auto* a = action_cast<of::SetField>(action)) return set_field(*a);
    if (auto* a = action_cast<of::RegMove>(action)) return move(*a);
    if (auto* a = action_cast<of::GotoTable>(action))
        return table_lookup(flow_.in_port, a->table, true, true, last);
    if (auto* a = action_cast<of::Ct>(action)) return ct(*a, last);
    if (auto* a = action_cast<of::Controller>(action)) return a->pause ? pause(*a) : controller(*a);
    if (auto* a = action_cast<of::Group>(action)) return group(a->group_id, last);
    if (auto* a = action_cast<of::OutputReg>(action)) return output_reg(*a, last);
    if (auto* a = action_cast<of::OutputTrunc>(action)) return output_trunc(*a);
    if (auto* a = action_cast<of::Enqueue>(action)) {
        uint32_t saved = flow_.skb_priority;
        flow_.skb_priority = a->queue;
        output_port(a->port == of::kPortInPort ? static_cast<uint32_t>(flow_.in_port) : a->port);
        flow_.skb_priority = saved;
        return;
    }
    if (auto* a = action_cast<of::SetQueue>(action)) return void(flow_.skb_priority = a->queue);
    if (action_cast<of::PopQueue>(action)) {
        flow_.skb_priority = in_.flow.skb_priority;
        if (tracing()) detail(fmt::format("queue = {}", flow_.skb_priority.get()));
        return;
    }
    if (auto* a = action_cast<of::Meter>(action)) {
        auto it = bridge_->meters.find(a->meter_id);
        if (it != bridge_->meters.end()) append(datapath::Meter{it->second.datapath_id});
        return;
    }
    if (auto* a = action_cast<of::StackPush>(action)) return push(*a);
    if (auto* a = action_cast<of::StackPop>(action)) return pop(*a);
    if (auto* a = action_cast<of::DecTtl>(action)) return void(list_ends_ = dec_ttl(*a));
    if (auto* a = action_cast<of::WriteMetadata>(action)) {
        flow_.metadata = (flow_.metadata & ~a->mask) | (a->metadata & a->mask);
        return;
    }
    if (action_cast<of::ClearActions>(action)) {
        if (tracing()) detail("action set was" + describe_action_set());
        flow_.actset_output = of::kPortUnset;
        return action_set_.clear();
    }
    if (auto* a = action_cast<of::WriteActions>(action)) return write_actions(*a);
    if (auto* a = action_cast<of::Clone>(action)) return clone(*a, last);
    if (action_cast<of::Exit>(action)) return void(exit_ = true);
    if (auto* a = action_cast<of::FinTimeout>(action)) return fin_timeout(*a);
    if (auto* a = action_cast<of::Sample>(action)) return sample(*a);
    if (auto* a = action_cast<of::CheckPktLarger>(action)) return check_packet_larger(*a, list, index);
    if (auto* a = action_cast<of::Multipath>(action)) return multipath(*a);
    if (auto* a = action_cast<of::Bundle>(action)) return bundle_action(*a);
    if (auto* a = action_cast<of::Learn>(action)) return learn(*a);
    if (auto* a = action_cast<of::Encap>(action)) return encap(*a);
    if (auto* a = action_cast<of::Decap>(action)) return decap(*a);
    if (action_cast<of::DecNshTtl>(action)) return void(list_ends_ = dec_nsh_ttl());
    if (auto* a = action_cast<of::Nat>(action)) return void(ct_nat_ = a);
    if (action_cast<of::CtClear>(action)) return ct_clear();
    if (auto* a = action_cast<of::DeleteField>(action)) return delete_field(*a);
    if (action_cast<of::Note>(action) || action_cast<of::Conjunction>(action)) return;
    fixed_field(action);
}

// --- the action set (OpenFlow 1.5, 5.6)

namespace {

// The order in which a set is carried out (ovs-actions(7), "Action Sets").  Those that write fields are done
// in the order in which they came; of those from kFirstLastRank on the first alone is.
constexpr int kFieldRank = 10, kFirstLastRank = 12;
int set_rank(const of::Action& action) {
    if (action_cast<of::StripVlan>(action)) return 1;
    if (action_cast<of::PopMpls>(action)) return 2;
    if (action_cast<of::Decap>(action)) return 3;
    if (action_cast<of::Encap>(action)) return 4;
    if (action_cast<of::PushMpls>(action)) return 5;
    if (action_cast<of::PushVlan>(action)) return 6;
    if (action_cast<of::DecTtl>(action)) return 7;
    if (action_cast<of::DecMplsTtl>(action)) return 8;
    if (action_cast<of::DecNshTtl>(action)) return 9;
    if (action_cast<of::SetQueue>(action)) return 11;
    if (action_cast<of::Group>(action)) return kFirstLastRank;
    if (action_cast<of::Output>(action)) return 13;
    if (action_cast<of::Resubmit>(action)) return 14;
    if (action_cast<of::CtClear>(action)) return 15;
    if (action_cast<of::Ct>(action)) return 16;
    return kFieldRank;
}

// Two actions of which a set holds only the later one.
bool same_slot(const of::Action& a, const of::Action& b) {
    return a.index() == b.index() && set_rank(a) != kFieldRank;
}

}  // namespace

of::ActionList order_action_set(const of::ActionList& set) {
    of::ActionList out;
    for (size_t i = 0; i < set.size(); ++i) {
        bool later = false;
        for (size_t j = i + 1; j < set.size() && !later; ++j) later = same_slot(set[i], set[j]);
        if (!later) out.push_back(set[i]);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return set_rank(a) < set_rank(b); });
    // Of the last ones the first alone counts; without any of them the set has no effect.
    for (size_t i = 0; i < out.size(); ++i) {
        int rank = set_rank(out[i]);
        if (rank >= kFirstLastRank) {
            out.resize(i + 1);
            return out;
        }
    }
    return {};
}

of::ActionList Walk::ordered_action_set() const {
    return order_action_set(action_set_);
}

void Walk::write_actions(const of::WriteActions& write) {
    for (const of::Action& action : write.actions) {
        std::erase_if(action_set_, [&](const of::Action& have) { return same_slot(have, action); });
        action_set_.push_back(action);
    }
    // actset_output tells where the set sends.
    flow_.actset_output = of::kPortUnset;
    for (const of::Action& action : action_set_) {
        if (auto* out = action_cast<of::Output>(action)) flow_.actset_output = out->port;
    }
    for (const of::Action& action : action_set_) {
        if (action_cast<of::Group>(action)) flow_.actset_output = of::kPortUnset;
    }
    if (tracing()) detail("action set is" + describe_action_set());
}

std::string Walk::describe_action_set() const {
    of::ActionList actions = ordered_action_set();
    return actions.empty() ? " empty" : ": " + of::to_string(actions);
}

void Walk::do_action_set() {
    if (action_set_.empty() || out_.error != TranslateError::kNone) return;
    of::ActionList actions = ordered_action_set();
    action_set_.clear();
    if (actions.empty()) return;
    TraceNode* node = report(TraceNode::Kind::kTable, "--. Executing action set:");
    Nest nest(*this, node);
    exit_ = false;
    in_action_set_ = true;
    output_reason_ = of::PacketInReason::kActionSet;
    do_actions(actions, true);
    output_reason_ = of::PacketInReason::kAction;
    in_action_set_ = false;
}

void Walk::finish() {
    finish_sampling();
    for (const EffectCache::LearnFlow& flow : learnt_) keep_learnt(flow);
    // Nothing follows that would need the packet as it was.
    while (!out_.actions.empty() && out_.actions.back().get_if<datapath::Clone>()) {
        datapath::Actions inner = std::move(out_.actions.back().get_if<datapath::Clone>()->actions);
        out_.actions.pop_back();
        for (datapath::Action& action : inner) out_.actions.push_back(std::move(action));
    }
    if (out_.error != TranslateError::kNone) {
        out_.actions.clear();
    } else if (out_.actions.empty() && out_.drop == explain::DropReason::kNone) {
        out_.drop = explain::DropReason::kNoOutput;
    }
    // Fields that the datapath knows nothing of decide nothing there.
    mask_.metadata = 0;
    mask_.regs = {};
    mask_.actset_output = 0;
    mask_.conj_id = 0;
    // A field can only decide where it exists in the packet.
    if (mask_.vlans[0].tci && (flow_.vlans[0].tci || in_.flow.vlans[0].tci)) {
        mask_.vlans[0].tci |= packet::kVlanCfi;
    }
    // The Ethertype is exact, and so is the port, which tells tunnels from others.
    if (!packet::ethernet::is_mpls(in_.flow.dl_type)) mask_.mpls_lse = {};
    if (in_.flow.dl_type != packet::ethernet::kNsh) mask_.nsh = {};
    if (!in_.flow.tunnel.dst && packet::is_zero(in_.flow.tunnel.ipv6_dst))
        mask_.tunnel = packet::zero_flow().tunnel;
    uint8_t proto = in_.flow.nw_proto;
    bool icmp = (in_.flow.dl_type == 0x0800 && proto == 1) || (in_.flow.dl_type == 0x86dd && proto == 58);
    if (icmp) {  // types and codes are a byte
        mask_.tp_src &= 0xff;
        mask_.tp_dst &= 0xff;
    }
    out_.final_flow = flow_;
    // What went out of the tunnels is not the packet's.
}

}  // namespace weft::vswitch
