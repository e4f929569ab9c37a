// Group actions: which bucket, and carrying it out on a copy of the packet.

#include <fmt/core.h>

#include "switch/classifier/hash.h"
#include "switch/translate/isolate.h"

namespace weft::vswitch {

namespace of = openflow;

bool Walk::bucket_live(const GroupEntry& group, const GroupBucket& bucket, int depth) const {
    if (depth > kMaxDepth) return false;
    bool port = bucket.watch_port != of::kPortNone, watched = bucket.watch_group != of::kGroupAny;
    if (!port && !watched) return group.type != GroupType::kFastFailover || true;
    if (port && port_live(bucket.watch_port)) return true;
    if (!watched) return false;
    const GroupEntry* other = bridge_->group(bucket.watch_group);
    return other && first_live(*other, depth + 1) != nullptr;
}

const GroupBucket* Walk::first_live(const GroupEntry& group, int depth) const {
    for (const GroupBucket& bucket : group.buckets) {
        if (bucket_live(group, bucket, depth)) return &bucket;
    }
    return nullptr;
}

void Walk::run_bucket(GroupEntry& group, size_t index, bool last) {
    GroupBucket& bucket = group.buckets[index];
    note(EffectCache::CountGroup{Ref<GroupEntry>(&group), static_cast<uint32_t>(index)});
    TraceNode* node =
        tracing() ? report(TraceNode::Kind::kBucket, fmt::format("bucket {}", bucket.id)) : nullptr;
    Nest nest(*this, node);
    of::ActionList actions = order_action_set(bucket.actions);
    bool saved_group = in_group_;
    of::ActionList written;  // what flows that the bucket resubmits to write into the set is done at the end
    isolated(
        [&] {
            in_group_ = true;
            ++depth_;
            if (!too_deep()) do_actions(actions, true);
            --depth_;
            written = std::move(action_set_);
        },
        last);
    action_set_ = std::move(written);
    in_group_ = saved_group;
    // What a bucket's copy cannot have done to it does not concern the packet.
    bool copys =
        out_.error == TranslateError::kTooManyLabels || out_.error == TranslateError::kUnsupportedPacketType;
    if (!copys) return;
    out_.error = TranslateError::kNone;
    out_.drop = explain::DropReason::kNone;
    exit_ = false;
}

void Walk::group(uint32_t id, bool last) {
    GroupEntry* entry = bridge_->group(id);
    if (!entry) return warning(fmt::format("output to nonexistent group {}", id));
    if (too_deep()) return;
    Ref<GroupEntry> hold(entry);
    switch (entry->type) {
        case GroupType::kAll:
        case GroupType::kIndirect:
            note(EffectCache::CountGroup{hold, UINT32_MAX});
            for (size_t i = 0; i < entry->buckets.size(); ++i) {
                if (!bucket_live(*entry, entry->buckets[i], 0)) continue;
                run_bucket(*entry, i, last && i + 1 == entry->buckets.size());
            }
            return;
        case GroupType::kFastFailover: {
            note(EffectCache::CountGroup{hold, UINT32_MAX});
            const GroupBucket* live = first_live(*entry, 0);
            if (!live) return detail("no live bucket");
            detail(fmt::format("using bucket {}", live->id));
            return run_bucket(*entry, static_cast<size_t>(live - entry->buckets.data()), last);
        }
        case GroupType::kSelect:
            return select_group(*entry, last);
    }
}

// The live bucket of the highest score.
bool Walk::pick_by_hash(GroupEntry& group, uint32_t hash, size_t& chosen) {
    double best = -1;
    for (size_t i = 0; i < group.buckets.size(); ++i) {
        const GroupBucket& bucket = group.buckets[i];
        if (!bucket.weight || !bucket_live(group, bucket, 0)) continue;
        uint64_t h = (uint64_t{hash} << 32 | bucket.id) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
        double score = static_cast<double>((h * 0xbf58476d1ce4e5b9ull) >> 32 & 0xffff) * bucket.weight;
        if (score > best) best = score, chosen = i;
    }
    return best >= 0;
}

void Walk::select_group(GroupEntry& group, bool last) {
    size_t bucket = 0;
    if (group.selection_method == "hash") {
        // The fields that the group names, masked, and nothing else.
        uint64_t h = group.selection_param;
        const uint64_t* wanted = packet::words(group.fields.mask);
        for (size_t i = 0; i < packet::kFlowWords; ++i) {
            if (!wanted[i]) continue;
            packet::words(mask_)[i] |= wanted[i];
            h = (h ^ (packet::words(flow_)[i] & wanted[i])) * 0x9e3779b97f4a7c15ull;
            h ^= h >> 32;
        }
        if (!pick_by_hash(group, static_cast<uint32_t>(h), bucket)) return detail("no live bucket");
    } else {
        if (group.slots.empty()) return detail("no live bucket");
        if (!flow_.dp_hash) {
            // The datapath hashes the packet, which then comes back here.
            commit();
            datapath::Hash hash;
            hash.algorithm = group.selection_param >> 32 ? datapath::HashAlgorithm::kL4
                                                         : datapath::HashAlgorithm::kSymmetricL4;
            hash.basis = static_cast<uint32_t>(group.selection_param);
            append(hash);
            start_freezing();
            resume_at_current_ = true;
            return;
        }
        uint32_t bits = static_cast<uint32_t>(group.slots.size() - 1);
        mask_.dp_hash |= bits;
        bucket = group.slots[flow_.dp_hash & bits];
        if (!bucket_live(group, group.buckets[bucket], 0)) {
            mask_.dp_hash = ~0u;
            if (!pick_by_hash(group, flow_.dp_hash, bucket)) return detail("no live bucket");
        }
    }
    note(EffectCache::CountGroup{Ref<GroupEntry>(&group), UINT32_MAX});
    if (tracing()) detail(fmt::format("using bucket {}", group.buckets[bucket].id));
    run_bucket(group, bucket, last);
}

}  // namespace weft::vswitch
