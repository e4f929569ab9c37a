// learn and fin_timeout: flows made by packets.

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "switch/ofproto/default_packet_type.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

constexpr uint16_t kTcpFin = 1, kTcpRst = 4;

of::FieldValue field_value(const of::Field& field, const of::FieldValue& have, const uint8_t* bits,
                           size_t bytes, const of::Subfield& dst) {
    of::FieldValue value = have;
    of::copy_bits(bits, bytes, 0, value.bytes.data(), field.bytes, dst.offset, dst.bits);
    return value;
}

std::string describe_learnt(const FlowChange& change) {
    std::string out = fmt::format("table={} ", change.table);
    std::string match = of::to_string(change.match);
    if (!match.empty()) out += match + " ";
    out += fmt::format("priority={} ", change.priority);
    if (change.new_cookie) out += fmt::format("cookie={:#x} ", change.new_cookie);
    if (change.idle_timeout) out += fmt::format("idle={} ", change.idle_timeout);
    if (change.hard_timeout) out += fmt::format("hard={} ", change.hard_timeout);
    if (change.flags & kFlowSendRemoved) out += "send_flow_rem ";
    return out + "actions=" + of::to_string(change.actions);
}

}  // namespace

void Walk::learn(const of::Learn& action) {
    auto change = std::make_shared<FlowChange>();
    change->command = FlowChange::Command::kModifyStrict;
    change->add_if_missing = true;
    change->modify_cookie = true;
    change->table = action.table;
    change->priority = action.priority;
    change->new_cookie = action.cookie;
    change->idle_timeout = action.idle_timeout;
    change->hard_timeout = action.hard_timeout;
    change->flags = action.flags & of::Learn::kSendFlowRem ? kFlowSendRemoved : 0;
    change->match.tunnel_table = bridge_->tunnel_table;
    if (action.fin_idle_timeout || action.fin_hard_timeout) {
        change->actions.push_back(of::FinTimeout{action.fin_idle_timeout, action.fin_hard_timeout});
    }
    for (const of::LearnSpec& spec : action.specs) {
        // The source's bits, right-aligned.
        std::array<uint8_t, 128> bytes{};
        if (spec.immediate) {
            std::copy(spec.value.begin(), spec.value.end(),
                      bytes.end() - static_cast<std::ptrdiff_t>(spec.value.size()));
        } else {
            const of::Field& src = of::field(spec.src.field);
            look_at_with_prerequisites(src);
            of::add_subfield_to_mask(mask_, spec.src, tunnel_table());
            of::FieldValue value = of::get_field(flow_, src, tunnel_table());
            of::copy_bits(value.bytes.data(), src.bytes, spec.src.offset, bytes.data(), bytes.size(), 0,
                          spec.bits);
        }
        switch (spec.destination) {
            case of::LearnSpec::Destination::kMatch: {
                const of::Field& dst = of::field(spec.dst.field);
                of::FieldValue value, mask;
                change->match.get(dst, value, mask);
                value = field_value(dst, value, bytes.data(), bytes.size(), spec.dst);
                std::array<uint8_t, 128> ones;
                ones.fill(0xff);
                mask = field_value(dst, mask, ones.data(), ones.size(), spec.dst);
                change->match.set(dst, value, mask);
                break;
            }
            case of::LearnSpec::Destination::kLoad: {
                const of::Field& dst = of::field(spec.dst.field);
                std::array<uint8_t, 128> ones;
                ones.fill(0xff);
                of::FieldValue value = field_value(dst, {}, bytes.data(), bytes.size(), spec.dst);
                of::FieldValue mask = field_value(dst, {}, ones.data(), ones.size(), spec.dst);
                of::SetField set = of::SetField::make(spec.dst.field, value, mask);
                set.load = true;
                change->actions.push_back(std::move(set));
                break;
            }
            case of::LearnSpec::Destination::kOutput: {
                uint32_t port = load_be32(bytes.data() + bytes.size() - 4);
                if (spec.bits <= 16) port = of::port_from_of10(static_cast<uint16_t>(port));
                change->actions.push_back(of::Output{port, 0});
                break;
            }
        }
    }
    set_default_packet_type(change->match);
    if (tracing() && in_.effects) {
        detail(describe_learnt(*change));
        if (!may_learn(*bridge_, *change, action.limit)) detail("Limit exceeded, learn failed");
    }
    EffectCache::LearnFlow flow{bridge_, std::move(change), action.limit, RuleRef(rule_)};
    if (!in_.effects) {
        warning("suppressing side effects, so learn action ignored");
        if (!in_.cache || tracing()) return;
        // Of a flow that is translated again: its next packets learn.
        if (action.flags & of::Learn::kWriteResult)
            write_subfield(action.result_dst, may_learn(*bridge_, *flow.change, flow.limit));
        note(std::move(flow));
        return;
    }
    if (!(action.flags & of::Learn::kWriteResult)) {
        learnt_.push_back(std::move(flow));
        return;
    }
    write_subfield(action.result_dst, keep_learnt(flow));
    show_subfield(action.result_dst);
}

bool Walk::keep_learnt(const EffectCache::LearnFlow& flow) {
    bool success = apply_learned(*flow.bridge, *flow.change, flow.limit);
    if (success) note(flow);
    return success;
}

void Walk::fin_timeout(const of::FinTimeout& action) {
    // Of the packet as it came: the end of a connection is one, whatever labels were put in front.
    mask_.nw_proto = 0xff;
    if (in_.flow.nw_proto != 6) return;
    if (!rule_) return;
    EffectCache::FinTimeout effect{bridge_, RuleRef(rule_), action.idle_timeout, action.hard_timeout};
    if (in_.effects && (in_.tcp_flags & (kTcpFin | kTcpRst)))
        shorten_timeouts(*bridge_, *rule_, action.idle_timeout, action.hard_timeout);
    note(std::move(effect));
}

}  // namespace weft::vswitch
