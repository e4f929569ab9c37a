#include "switch/connection/flow_dump.h"

#include "base/clock.h"

namespace weft::vswitch {

namespace of = openflow;

void describe(const Rule& rule, of::FlowStats& stats) {
    int64_t now = clock::monotonic_ms();
    stats.match = rule.match();
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

std::vector<Bytes> FlowDump::next(size_t bytes) {
    std::vector<Bytes> out;
    size_t size = 0;
    auto take = [&](std::vector<Bytes> messages) {
        for (Bytes& message : messages) {
            size += message.size();
            out.push_back(std::move(message));
        }
    };
    while (at_ < rules_.size() && size < bytes) {
        RuleRef rule = std::move(rules_[at_++]);
        if (!rule->bridge) continue;
        describe(*rule, stats_);
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
