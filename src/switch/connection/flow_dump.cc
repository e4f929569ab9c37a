#include "switch/connection/flow_dump.h"

#include "base/clock.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

// A switch's rules lie all over its memory, and waiting for that is what a dump is made of.  How far ahead of
// their turn they are asked for.
constexpr size_t kAhead = 16, kActionsAhead = 10, kListAhead = 5;

// All that is told about a rule but its actions and its match.
void describe_counts(const Rule& rule, int64_t now, of::FlowStats& stats) {
    stats.priority = static_cast<uint16_t>(rule.priority());
    stats.table = rule.table;
    stats.cookie = rule.cookie;
    int64_t age = now - rule.created_ms;
    stats.duration_sec = static_cast<uint32_t>(age / 1000);
    stats.duration_nsec = static_cast<uint32_t>(age % 1000 * 1000000);
    stats.idle_timeout = rule.idle_timeout;
    stats.hard_timeout = rule.hard_timeout;
    stats.idle_age = static_cast<int32_t>((now - rule.used_ms) / 1000);
    stats.hard_age = static_cast<int32_t>((now - rule.modified_ms) / 1000);
    stats.importance = rule.importance;
    stats.flags = rule.flags;
    stats.packets = rule.packets;
    stats.bytes = rule.bytes;
}

}  // namespace

std::vector<Bytes> FlowDump::next(size_t bytes) {
    std::vector<Bytes> out;
    size_t size = 0;
    int64_t now = clock::monotonic_ms();
    auto take = [&](std::vector<Bytes> messages) {
        for (Bytes& message : messages) {
            size += message.size();
            out.push_back(std::move(message));
        }
    };
    while (at_ < rules_.size() && size < bytes) {
        if (at_ + kAhead < rules_.size()) rules_[at_ + kAhead]->prefetch();
        if (at_ + kActionsAhead < rules_.size()) rules_[at_ + kActionsAhead]->actions.prefetch();
        if (at_ + kListAhead < rules_.size()) rules_[at_ + kListAhead]->actions.prefetch_list();
        RuleRef rule = std::move(rules_[at_++]);
        if (!rule->in_classifier()) continue;
        // Rules of one shape come together: only the words that they look at change.
        if (shape_.get() == &rule->shape() && !rule->tunnel_table() && !stats_.match.tunnel_table) {
            rule->write_value(stats_.match.value);
        } else {
            stats_.match = rule->match();
            shape_ = MaskShapeRef(&rule->shape());
        }
        describe_counts(*rule, now, stats_);
        writer_.add(stats_, *rule->actions);
        if (writer_.has_full()) take(writer_.take_full());
    }
    if (at_ == rules_.size()) {
        take(writer_.finish());
        done_ = true;
    }
    return out;
}

}  // namespace weft::vswitch
