// Key to flow: a cache of signatures in front of the masked table.
//
// The cache maps a hash of the key's most telling fields to a slot.  It may be wrong: the slot's own mask and
// key decide, so nothing needs to be told to it when flows come and go.  Behind it the masks are tried, each
// a lookup of the masked key; megaflows are disjoint, so the first match is the match.

#pragma once

#include "memory.bpf.h"

static __always_inline __u64 mix(__u64 hash, __u64 word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 32);
}

static __always_inline int matches(const struct Key* key, const struct FlowSlot* flow) {
    __u32 mask_index = flow->mask;
    const struct Key* mask = bpf_map_lookup_elem(&masks, &mask_index);
    if (!mask) return 0;
    const __u64 *k = (const __u64*)key, *m = (const __u64*)mask, *f = (const __u64*)&flow->key;
    __u64 different = 0;
#pragma unroll
    for (int i = 0; i < kKeyWords; i++) different |= (k[i] & m[i]) ^ f[i];
    return !different;
}

// kNext with scratch.slot, or kUserspace.
__noinline int find(__u32 level) {
    struct Scratch* s = scratch_of(level);
    struct Config* c = config_of();
    struct Totals* t = totals_of();
    if (!s || !c || !t) return kUserspace;
    const __u64* words = (const __u64*)&s->key;
    __u64 hash = c->seed;
    hash = mix(hash, words[0]);  // in_port, recirc_id
    hash = mix(hash, words[2]);  // dp_hash, ct_state
    hash = mix(hash, words[8]);  // tun_id
    const __u64* packet = words + kMetadataWords;
    hash = mix(hash, packet[0]);  // dl_dst, dl_type
    hash = mix(hash, packet[1]);  // dl_src, frag, proto
    hash = mix(hash, packet[2]);  // vlan
    hash = mix(hash, packet[3]);  // nw_src, nw_dst
    hash = mix(hash, packet[4]);
    hash = mix(hash, packet[5]);
    hash = mix(hash, packet[6]);
    hash = mix(hash, packet[7]);  // label, ports
    __u32 bucket_index = hash & (kCacheBuckets - 1);
    __u32 signature = hash >> 32;
    struct CacheBucket* bucket = bpf_map_lookup_elem(&cache, &bucket_index);
    if (!bucket) return kUserspace;
    __u32 slot = 0;
    int way = -1;
#pragma unroll
    for (int i = 0; i < kCacheWays; i++) {
        __u64 entry = *(volatile __u64*)&bucket->way[i];
        if ((__u32)(entry >> 32) == signature && (__u32)entry) {
            slot = (__u32)entry;
            way = i;
        }
    }
    if (slot) {
        slot--;
        struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
        if (flow && *(volatile __u32*)&flow->alive && matches(&s->key, flow)) {
            t->cache_hits++;
            s->slot = slot;
            return kNext;
        }
    }

    __u32 count = c->mask_count;
    for (__u32 i = 0; i < kMasks; i++) {
        if (i >= count) break;
        __u32 mask_index = c->mask_order[i];
        const struct Key* mask = bpf_map_lookup_elem(&masks, &mask_index);
        if (!mask) break;
        t->masks_tried++;
        const __u64* m = (const __u64*)mask;
        __u64* out = (__u64*)&s->masked.key;
#pragma unroll
        for (int j = 0; j < kKeyWords; j++) out[j] = words[j] & m[j];
        s->masked.mask = mask_index;
        s->masked.pad = 0;
        __u32* found = bpf_map_lookup_elem(&megaflows, &s->masked);
        if (!found) continue;
        slot = *found;
        struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
        if (!flow || !*(volatile __u32*)&flow->alive) break;
        s->slot = slot;
        if (mask_index < kMasks) c->mask_hits[mask_index]++;
        // Into the cache: the place of an entry with this signature, an empty one, or any.
        __u64 entry = (__u64)signature << 32 | (slot + 1);
        if (way < 0) {
            way = (hash >> 20) & (kCacheWays - 1);
#pragma unroll
            for (int w = 0; w < kCacheWays; w++) {
                if (!bucket->way[w]) way = w;
            }
        }
        asm volatile("%0 &= 3" : "+r"(way));
        *(volatile __u64*)&bucket->way[way] = entry;
        return kNext;
    }
    return kUserspace;
}
