// Revalidation: keeping the datapath's flows equal to what the tables say now, and its counters in the rules.
//
// When anything changed, each megaflow's key is translated again; a flow whose actions came out different, or
// whose mask no longer covers what was looked at, is replaced or deleted.  Flows that nobody used for
// max_idle_ms go, sooner while there are too many (flow_limit.h).

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

namespace {

log::Module lg("ofproto_dpif_upcall");

// Every bit that `now` looks at is a bit of `had`.
bool covered(const packet::Flow& now, const packet::Flow& had) {
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        if (packet::words(now)[i] & ~packet::words(had)[i]) return false;
    }
    return true;
}

}  // namespace

void Backer::account(Megaflow& flow, const datapath::FlowStats& now) {
    uint64_t packets = now.packets - std::min(now.packets, flow.seen.packets);
    uint64_t bytes = now.bytes - std::min(now.bytes, flow.seen.bytes);
    if (packets || now.tcp_flags != flow.seen.tcp_flags) {
        flow.effects.replay(packets, bytes, now.tcp_flags, now.used_ms ? now.used_ms : clock::monotonic_ms());
    }
    flow.seen = now;
}

void Backer::pull_statistics() {
    std::vector<std::pair<Megaflow*, datapath::FlowStats>> changed;
    datapath_->each_flow_stats([&](const datapath::Ufid& ufid, const datapath::FlowStats& stats) {
        auto it = megaflows_.find(ufid);
        if (it != megaflows_.end() && stats.packets != it->second->seen.packets)
            changed.emplace_back(it->second.get(), stats);
    });
    for (auto& [flow, stats] : changed) account(*flow, stats);
}

void Backer::remove(Flows::iterator it) {
    auto last = datapath_->delete_flow(it->first);
    if (last) account(*it->second, *last);
    if (it->second->recirc_id) recirculations_.release(it->second->recirc_id);
    masks_.release(it->second->mask);
    megaflows_.erase(it);
}

void Backer::purge() {
    for (auto it = megaflows_.begin(); it != megaflows_.end();) remove(it++);
    for (const datapath::Ufid& ufid : manual_flows_) (void)datapath_->delete_flow(ufid).ok();
    manual_flows_.clear();
}

// Translates the flow's key again, with the effects effects_.  False: it must go.  What it does now may
// replace what it did.
bool Backer::still_right(Megaflow& flow, const datapath::Ufid& ufid) {
    Lookup lookup;
    effects_.clear();
    auto had = datapath_->get_flow(ufid);
    if (!had || !look_up(had->key, lookup)) return false;
    TranslateOutput output = translate_key(had->key, lookup, nullptr, false, &effects_);
    solicit(output);
    packet::Flow mask = to_datapath_mask(had->key, output.mask, *lookup.bridge->tunnel_table);
    if (!covered(mask, had->mask)) return false;
    if (output.slow != SlowPath::kNone) output.actions = slow_path_actions(output.slow);
    if (output.actions != had->actions) {
        datapath::FlowPut put;
        put.ufid = ufid;
        put.key = had->key;
        put.mask = had->mask;
        put.actions = std::move(output.actions);
        put.create = false;
        if (!datapath_->put_flow(std::move(put))) return false;
    }
    flow.effects = effects_;
    flow.recirculations = std::move(output.recirculations);
    return true;
}

void Backer::revalidate(bool force) {
    if (paused_ && !force) return;
    int64_t start = clock::monotonic_ms();
    adopt_manual_flows();
    // One pass tends to be enough; what effects change on the way (a learned flow, a MAC) needs another.
    for (int pass = 0; pass < 3 && (pass == 0 || generation() != validated_generation_); ++pass) {
        pull_statistics();
        // Asked after the statistics, whose effects may have changed the tables.
        uint64_t now_generation = generation();
        bool changed = force || pass || now_generation != validated_generation_;
        for (auto& [name, bridge] : bridges_) {
            bridge->mac_table.expire(start);
            bridge->multicast.expire(start);
        }
        int64_t idle_ms = flow_limit_.idle_ms(megaflows_.size(), max_idle_ms);
        std::vector<datapath::Ufid> ufids;
        ufids.reserve(megaflows_.size());
        for (const auto& [ufid, flow] : megaflows_) ufids.push_back(ufid);
        for (const datapath::Ufid& ufid : ufids) {
            auto it = megaflows_.find(ufid);
            if (it == megaflows_.end()) continue;
            Megaflow& flow = *it->second;
            int64_t used = std::max(flow.seen.used_ms, flow.created_ms);
            if (start - used > idle_ms || (changed && !still_right(flow, ufid))) remove(it);
        }
        validated_generation_ = now_generation;
    }
    last_dump_ms_ = std::max<int64_t>(1, clock::monotonic_ms() - start);
    flow_limit_.passed(megaflows_.size(), last_dump_ms_);
    average_flows_ = (average_flows_ + megaflows_.size()) / 2;
    next_validation_ms_ = clock::monotonic_ms() + (last_dump_ms_ > 5 ? last_dump_ms_ : 0);
}

}  // namespace weft::vswitch
