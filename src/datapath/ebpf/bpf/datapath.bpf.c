// The programs of the eBPF datapath (docs/decisions/0042-ebpf-datapath.md).
//
// weft_port runs where a port's packets come in: at the ingress of a device, or at the egress of an internal
// port's, whose packets come from the host.  It looks the packet up and carries out the flow, again after
// each recirculation; what it cannot do goes to the daemon (upcall.bpf.h), which can do everything.
//
// Functions are global (not static), so that the verifier takes each by itself.

#include "memory.bpf.h"

#include "act.bpf.h"
#include "find.bpf.h"
#include "parse.bpf.h"
#include "upcall.bpf.h"

static __always_inline void count_flow(struct __sk_buff* skb, struct Scratch* s) {
    __u32 index = bpf_get_smp_processor_id() * kFlowSlots + s->slot;
    struct FlowCounters* counters = bpf_map_lookup_elem(&flow_counters, &index);
    if (!counters) return;
    counters->packets++;
    counters->bytes += packet_bytes(skb);
    counters->used_ns = bpf_ktime_get_ns();
    counters->tcp_flags |= bpf_ntohs(s->key.tcp_flags);
}

static __always_inline int forward(struct __sk_buff* skb, struct Scratch* s, __u32 level) {
    struct Totals* t = totals_of();
    if (!t) return TC_ACT_SHOT;
    for (int round = 0; round <= kMaxRecirculations; round++) {
        int what = parse(skb, level);
        if (what == kNext) what = find(level);
        if (what == kNext) {
            s->pc = 0;
            __u32 slot = s->slot;
            struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
            // Those that the daemon carries out it counts, too.
            if (flow && flow->actions[0].kind != kActionToUserspace) {
                t->hits++;
                count_flow(skb, s);
            }
            s->verdict = TC_ACT_SHOT;
            for (int i = 0; i < kMaxActions + kMaxActions / kSlotActions; i++) {
                what = act(skb, level);
                if (what != kNext) break;
            }
        }
        if (what == kUserspace) {
            upcall(skb, level);
            return s->verdict;
        }
        if (what != kLookAgain) return s->verdict;
    }
    return TC_ACT_SHOT;
}

SEC("tc")
int weft_port(struct __sk_buff* skb) {
    __u32 ifindex = skb->ifindex;
    __u32* found = bpf_map_lookup_elem(&port_of_device, &ifindex);
    if (!found) return TC_ACT_UNSPEC;  // no port of ours (any more)
    __u32 number = *found;
    __u32 zero = 0;
    __u32* used = bpf_map_lookup_elem(&level_in_use, &zero);
    struct PortCounters* counters = counters_of_port(number);
    if (!used || !counters) return TC_ACT_SHOT;
    counters->rx_packets++;
    counters->rx_bytes += packet_bytes(skb);
    __u32 level = *used;
    struct Scratch* s = scratch_of(level);
    if (!s) {
        count_drop(kDropRecursionTooDeep);
        return TC_ACT_SHOT;
    }
    *used = level + 1;
    __u64* words = (__u64*)&s->key;
#pragma unroll
    for (int i = 0; i < kMetadataWords; i++) words[i] = 0;
    s->in_port = number;
    s->key.in_port = bpf_htonl(number);
    s->depth = 0;
    int verdict = forward(skb, s, level);
    *used = level;
    return verdict;
}

char license_[] SEC("license") = "Dual MIT/GPL";
