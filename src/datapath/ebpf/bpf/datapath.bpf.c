// The programs of the eBPF datapath (docs/decisions/0042-ebpf-datapath.md).
//
// weft_port runs where a port's packets come in: at the ingress of a device, or at the egress of an internal
// port's, whose packets come from the host.  It looks the packet up and carries out the flow, again after
// each recirculation; what it cannot do goes to the daemon (upcall.bpf.h), which can do everything.
// weft_tunnel runs at the ingress of the devices that tunnels' packets arrive by; what it takes goes on in
// the same way, everything else to the host.
// weft_copy goes on with copies of a packet, which are changed otherwise than the packet itself.
//
// Functions are global (not static), so that the verifier takes each by itself.

#include "memory.bpf.h"

#include "act.bpf.h"
#include "find.bpf.h"
#include "meter.bpf.h"
#include "parse.bpf.h"
#include "tunnel.bpf.h"
#include "upcall.bpf.h"

static __always_inline void count_flow(struct __sk_buff* skb, struct Scratch* s) {
    __u32 index = bpf_get_smp_processor_id() * kFlowSlots + s->slot;
    struct FlowCounters* counters = bpf_map_lookup_elem(&flow_counters, &index);
    if (!counters) return;
    counters->packets++;
    counters->bytes += packet_bytes(skb);
    counters->used_ns = coarse_now_ns();
    counters->tcp_flags |= bpf_ntohs(s->key.tcp_flags);
}

// Carries out the list from scratch.slot and scratch.pc on: anything but kNext.
__noinline int carry_out(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kDone;
    s->verdict = TC_ACT_SHOT;
    for (int i = 0; i < kMaxActions + kMaxActions / kSlotActions; i++) {
        int what = act(skb, level);
        if (what != kNext) return what;
    }
    return kDone;
}

// Looks the packet up, as it is known already with `again`, and carries out what is found, as often as it
// recirculates. The verdict.
__noinline int forward(struct __sk_buff* skb, __u32 level, __u32 again) {
    struct Scratch* s = scratch_of(level);
    struct Totals* t = totals_of();
    if (!s || !t) return TC_ACT_SHOT;
    for (int round = 0; round <= kMaxRecirculations; round++) {
        // What has only got new metadata is known.
        int what = (round || again) && !s->stale ? kNext : parse(skb, level);
        if (what == kNext) what = find(level);
        if (what == kNext) {
            s->pc = 0;
            __u32 slot = s->slot;
            struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
            s->list = flow ? *(volatile __u32*)&flow->alive : 0;
            if (!flow || !s->list) {  // it has just gone
                what = kUserspace;
            } else {
                // Those that the daemon carries out it counts, too.
                if (flow->actions[0].kind != kActionToUserspace) {
                    t->hits++;
                    count_flow(skb, s);
                }
                what = carry_out(skb, level);
            }
        }
        if (what == kUserspace || what == kHandUp) {
            if (what == kUserspace) s->list = 0;
            upcall(skb, level);
            return s->verdict;
        }
        if (what != kLookAgain) return s->verdict;
    }
    return TC_ACT_SHOT;
}

// This CPU's scratch memory for one more program, or null: they are nested too deep.
static __always_inline struct Scratch* enter(__u32** used) {
    __u32 zero = 0;
    *used = bpf_map_lookup_elem(&level_in_use, &zero);
    if (!*used) return 0;
    struct Scratch* s = scratch_of(**used);
    if (!s) {
        count_drop(kDropRecursionTooDeep);
        return 0;
    }
    **used += 1;
    __u64* words = (__u64*)&s->key;
#pragma unroll
    for (int i = 0; i < kMetadataWords; i++) words[i] = 0;
    *(__u64*)s->ct_ipv6_src = *(__u64*)(s->ct_ipv6_src + 8) = 0;
    *(__u64*)s->ct_ipv6_dst = *(__u64*)(s->ct_ipv6_dst + 8) = 0;
    s->depth = 0;
    s->tunnel_set = s->from_tunnel = s->copying = s->parsed = s->copy_up = s->telling = 0;
    return s;
}

SEC("tc")
int weft_port(struct __sk_buff* skb) {
    __u32 ifindex = skb->ifindex;
    __u32* found = bpf_map_lookup_elem(&port_of_device, &ifindex);
    if (!found) return TC_ACT_UNSPEC;  // no port of ours (any more)
    __u32 number = *found;
    struct PortCounters* counters = counters_of_port(number);
    if (!counters) return TC_ACT_SHOT;
    counters->rx_packets++;
    counters->rx_bytes += packet_bytes(skb);
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    if (!port || (port->policed && !let_in(skb, number))) return TC_ACT_SHOT;
    __u32* used;
    struct Scratch* s = enter(&used);
    if (!s) return TC_ACT_SHOT;
    s->in_port = number;
    s->key.in_port = bpf_htonl(number);
    int verdict = forward(skb, *used - 1, 0);
    *used -= 1;
    return verdict;
}

SEC("tc")
int weft_tunnel(struct __sk_buff* skb) {
    if (skb->protocol != bpf_htons(kTypeIpv4) && skb->protocol != bpf_htons(kTypeIpv6)) return TC_ACT_UNSPEC;
    __u32* used;
    struct Scratch* s = enter(&used);
    if (!s) return TC_ACT_UNSPEC;
    __u32 level = *used - 1;
    int verdict = TC_ACT_SHOT;
    switch (take_tunnel(skb, level)) {
        case kTaken:
            verdict = forward(skb, level, s->parsed);
            break;
        case kWatched:
            s->list = 0;
            upcall(skb, level);
            verdict = s->verdict;
            break;
        case kNotTaken:
            verdict = TC_ACT_UNSPEC;
            break;
    }
    *used -= 1;
    return verdict;
}

// At the egress of the device that copies are sent out of: takes over from the program that has sent the
// packet and is still running on this CPU.
SEC("tc")
int weft_copy(struct __sk_buff* skb) {
    __u32 zero = 0;
    __u32* used = bpf_map_lookup_elem(&level_in_use, &zero);
    if (!used || !*used) return TC_ACT_SHOT;
    __u32 level = *used;
    struct Scratch* from = scratch_of(level - 1);
    if (!from || !from->copying) return TC_ACT_SHOT;  // the host's
    __u8 what = from->copying;
    from->copying = 0;
    struct Scratch* s = scratch_of(level);
    if (!s) {
        count_drop(kDropRecursionTooDeep);
        return TC_ACT_SHOT;
    }
    *used += 1;
    const __u64* theirs = (const __u64*)&from->key;
    __u64* ours = (__u64*)&s->key;
#pragma unroll
    for (int i = 0; i < kKeyWords; i++) ours[i] = theirs[i];
#pragma unroll
    for (int i = 0; i < 16; i += 8) {
        *(__u64*)(s->ct_ipv6_src + i) = *(const __u64*)(from->ct_ipv6_src + i);
        *(__u64*)(s->ct_ipv6_dst + i) = *(const __u64*)(from->ct_ipv6_dst + i);
    }
    s->slot = from->slot;
    s->pc = from->pc;
    s->in_port = from->in_port;
    s->depth = from->depth;
    s->stale = from->stale;
    s->l3 = from->l3;
    s->l4 = from->l4;
    s->payload = from->payload;
    s->l3_end = from->l3_end;
    s->list = from->list;
    s->at = from->at;
    s->tunnel_set = from->tunnel_set;
    s->from_tunnel = from->from_tunnel;
    s->copy_up = from->copy_up;
    s->copying = s->telling = 0;
    int result =
        what == kCopyTunnelOutput ? push_tunnel(skb, level, from->copy_port, 0) : carry_out(skb, level);
    int verdict = s->verdict;
    if (result == kLookAgain) {
        verdict = forward(skb, level, 1);
    } else if (result == kUserspace || result == kHandUp) {
        upcall(skb, level);
        verdict = s->verdict;
    }
    from->copy_up |= s->copy_up;
    *used -= 1;
    return verdict;
}

char license_[] SEC("license") = "Dual MIT/GPL";
