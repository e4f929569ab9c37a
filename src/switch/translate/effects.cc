#include "base/clock.h"
#include "switch/translate/translate.h"
#include "switch/underlay/underlay.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

namespace {

constexpr uint16_t kTcpFinOrRst = 5;

void replay_one(const EffectCache::CountPatch& e, uint64_t packets, uint64_t bytes, uint16_t, int64_t) {
    if (OfPort* port = e.out_bridge->port(e.out)) {
        port->counted.tx_packets += packets;
        port->counted.tx_bytes += bytes;
    }
    if (OfPort* port = e.in_bridge->port(e.in)) {
        port->counted.rx_packets += packets;
        port->counted.rx_bytes += bytes;
    }
}
void replay_one(const EffectCache::CountTunnel& e, uint64_t packets, uint64_t bytes, uint16_t, int64_t) {
    OfPort* port = e.bridge->port(e.port);
    if (!port) return;
    if (e.transmit) {
        port->counted.tx_packets += packets;
        port->counted.tx_bytes += bytes;
    } else {
        port->counted.rx_packets += packets;
        port->counted.rx_bytes += bytes;
    }
}
void replay_one(const EffectCache::LearnMac& e, uint64_t, uint64_t, uint16_t, int64_t now) {
    if (Bundle* bundle = e.bridge->find_bundle(e.bundle))
        e.bridge->mac_table.learn(e.mac, e.vlan, bundle, now, e.lock);
}
void replay_one(const EffectCache::CountBond& e, uint64_t, uint64_t bytes, uint16_t, int64_t) {
    Bundle* bundle = e.bridge->find_bundle(e.bundle);
    if (bundle && bundle->bond) bundle->bond->account(e.bucket, bytes);
}
void replay_one(const EffectCache::LearnFlow& e, uint64_t, uint64_t, uint16_t, int64_t) {
    if (!e.learner || e.learner->in_classifier()) apply_learned(*e.bridge, *e.change, e.limit);
}
void replay_one(const EffectCache::CountGroup& e, uint64_t packets, uint64_t bytes, uint16_t, int64_t) {
    if (e.bucket == UINT32_MAX) {
        e.group->packets += packets;
        e.group->bytes += bytes;
    } else if (e.bucket < e.group->buckets.size()) {
        e.group->buckets[e.bucket].packets += packets;
        e.group->buckets[e.bucket].bytes += bytes;
    }
}
void replay_one(const EffectCache::CountMirror& e, uint64_t packets, uint64_t bytes, uint16_t, int64_t) {
    e.bridge->count_mirrored(e.mirror, packets, bytes);
}
void replay_one(const EffectCache::CountNetflow& e, uint64_t packets, uint64_t bytes, uint16_t tcp_flags,
                int64_t now) {
    if (e.bridge->netflow) e.bridge->netflow->count(e.key, e.output, packets, bytes, tcp_flags, now);
}
void replay_one(const EffectCache::FinTimeout& e, uint64_t, uint64_t, uint16_t tcp_flags, int64_t) {
    if (tcp_flags & kTcpFinOrRst) shorten_timeouts(*e.bridge, *e.rule, e.idle, e.hard);
}
void replay_one(const EffectCache::LearnNeighbour& e, uint64_t packets, uint64_t, uint16_t, int64_t) {
    if (packets) e.underlay->learn(e.bridge, e.address, e.mac);
}
void replay_one(const EffectCache::UseNeighbour& e, uint64_t packets, uint64_t, uint16_t, int64_t) {
    if (packets) e.underlay->used(e.bridge, e.address);
}

}  // namespace

void EffectCache::replay(uint64_t packets, uint64_t bytes, uint16_t tcp_flags, int64_t now_ms) const {
    for (const Visit& visit : visits) {
        if (visit.rule) visit.rule->count(packets, bytes, now_ms);
        if (visit.lookups) *visit.lookups += packets;
    }
    for (const Effect& effect : effects) {
        std::visit([&](const auto& e) { replay_one(e, packets, bytes, tcp_flags, now_ms); }, effect);
    }
}

bool may_learn(const Bridge& bridge, const FlowChange& change, uint32_t limit) {
    if (!limit || change.table >= kInternalTable) return true;
    const Classifier& table = bridge.table(change.table).classifier;
    if (table.find(change.match.value, change.match.mask, change.priority)) return true;
    uint32_t learned = 0;
    table.for_each(
        [&](ClassifierRule& entry) { learned += FlowTable::rule_of(entry).cookie == change.new_cookie; });
    return learned < limit;
}

// A learned flow that is there already, unchanged, only becomes younger, for its hard timeout: it must not
// invalidate what was translated with it.  It was not used, so an idle timeout goes on.
bool apply_learned(Bridge& bridge, const FlowChange& change, uint32_t limit) {
    if (change.table >= kInternalTable) return false;
    FlowTable& table = bridge.table(change.table);
    auto* rule =
        static_cast<Rule*>(table.classifier.find(change.match.value, change.match.mask, change.priority));
    if (rule && *rule->actions == change.actions && rule->cookie == change.new_cookie) {
        rule->modified_ms = clock::monotonic_ms();
        return true;
    }
    if (!may_learn(bridge, change, limit)) return false;
    Transaction transaction;
    if (bridge.apply(change, transaction) != openflow::OfError::kNone) {
        bridge.rollback(transaction);
        return false;
    }
    bridge.commit(transaction);
    return true;
}

void shorten_timeouts(Bridge& bridge, Rule& rule, uint16_t idle, uint16_t hard) {
    auto shortened = [](uint16_t have, uint16_t limit) {
        return limit && (!have || have > limit) ? limit : have;
    };
    if (!rule.in_classifier()) return;
    rule.idle_timeout = shortened(rule.idle_timeout, idle);
    rule.hard_timeout = shortened(rule.hard_timeout, hard);
    bridge.timeouts_changed(rule);
}

}  // namespace weft::vswitch
