// The maps, and how the programs reach them.

#pragma once

#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../layout_shared.h"
#include "../meter_shared.h"

#define MAPPED_ARRAY(name, type_, count)   \
    struct {                               \
        __uint(type, BPF_MAP_TYPE_ARRAY);  \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, count);        \
        __type(key, __u32);                \
        __type(value, type_);              \
    } name SEC(".maps")

MAPPED_ARRAY(config, struct Config, 1);
MAPPED_ARRAY(ports, struct PortEntry, kPorts);
MAPPED_ARRAY(masks, struct Key, kMasks);
MAPPED_ARRAY(flows, struct FlowSlot, kFlowSlots);
MAPPED_ARRAY(tracked, struct TrackedConnection, kConnections);
MAPPED_ARRAY(meters, struct MeterSlot, kMeterSlots);
// These have an entry for each CPU: the daemon multiplies their sizes before it loads them.
MAPPED_ARRAY(flow_counters, struct FlowCounters, kFlowSlots);
MAPPED_ARRAY(port_counters, struct PortCounters, kPorts);
MAPPED_ARRAY(totals, struct Totals, 1);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, kCacheBuckets);
    __type(key, __u32);
    __type(value, struct CacheBucket);
} cache SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, kFlowSlots);
    __type(key, struct MaskedKey);
    __type(value, __u32);
} megaflows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, kPorts);
    __type(key, __u32);
    __type(value, __u32);
} port_of_device SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2 * kConnections);
    __type(key, struct TrackedTuple);
    __type(value, __u32);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, kRemotes);
    __type(key, struct RemoteKey);
    __type(value, struct Remote);
} remotes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u32);  // WEFT_TUNNEL_SELECTOR
    __type(value, __u32);
} tunnel_ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 4096);
    __type(key, __u32);  // of this host
    __type(value, __u32);
} local_addresses SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, kRemotes);
    __type(key, struct RemoteKeyIpv6);
    __type(value, struct RemoteIpv6);
} remotes_ipv6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 4096);
    __type(key, struct in6_addr);  // of this host
    __type(value, __u32);
} local_addresses_ipv6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, kScratchLevels);
    __type(key, __u32);
    __type(value, struct Scratch);
} scratch SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} level_in_use SEC(".maps");

static __always_inline struct Scratch* scratch_of(__u32 level) {
    return bpf_map_lookup_elem(&scratch, &level);
}
static __always_inline struct Config* config_of(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&config, &zero);
}
static __always_inline struct Totals* totals_of(void) {
    __u32 cpu = bpf_get_smp_processor_id();
    return bpf_map_lookup_elem(&totals, &cpu);
}
static __always_inline struct PortCounters* counters_of_port(__u32 port) {
    __u32 index = bpf_get_smp_processor_id() * kPorts + port;
    return bpf_map_lookup_elem(&port_counters, &index);
}
static __always_inline void count_drop(__u32 reason) {
    struct Totals* t = totals_of();
    if (t && reason < kDropReasons) t->drops[reason]++;
}
static __always_inline __u32 packet_bytes(struct __sk_buff* skb) {
    return skb->len + (skb->vlan_present ? 4 : 0);
}

// CLOCK_MONOTONIC as of the last tick: some milliseconds old, and a tenth of the price.
static __always_inline __u64 coarse_now_ns(void) {
    return bpf_ktime_get_coarse_ns();
}

#define BLEND(old, value, mask) (((old) & ~(mask)) | ((value) & (mask)))

// Explain::DropReason's numbers that the programs use.
enum {
    kDropNoActions = 1,
    kDropUpcallLost = 3,
    kDropNoHandler = 4,
    kDropMeter = 5,
    kDropRecursionTooDeep = 6,
    kDropTooBig = 34,
    kDropNoSuchPort = 48,
    kDropTransmitError = 51,
    kDropPolicing = 53,
    kDropTunnelMalformed = 67,
    kDropBadChecksum = 37,
};

// What functions tell their callers.
enum {
    kNext = 0,       // go on
    kDone = 1,       // scratch.verdict says what becomes of the packet
    kLookAgain = 2,  // recirculated
    kUserspace = 3,  // the packet goes up, to be looked up there
    kHandUp = 4,     // the packet goes up, to go on at scratch.at of the flow's list
};
