// Handing a packet up: out of a TAP device whose other end the daemon reads, with a header in front.
//
// So a super-packet stays whole, with its offloads in the virtio-net header, and the kernel's queue is the
// only copy.

#pragma once

#include "memory.bpf.h"

// With scratch.list: not to be looked up but to go on there.
__noinline int upcall(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    struct Config* c = config_of();
    struct Totals* t = totals_of();
    if (!s || !c || !t) return kDone;
    s->verdict = TC_ACT_SHOT;
    if (!s->telling) s->copy_up = 1;
    __u32 number = s->in_port;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    if (!c->upcall_ifindex || !port) {
        count_drop(kDropNoHandler);
        return kDone;
    }
    __u32 sent = *(volatile __u32*)&port->upcalls_sent;
    if (sent - *(volatile __u32*)&port->upcalls_done >= c->upcall_window) {
        t->upcalls_lost++;
        count_drop(kDropUpcallLost);
        return kDone;
    }
    struct UpcallHeader header = {};
    header.sequence = __sync_fetch_and_add(&port->upcalls_sent, 1);
    header.magic = c->magic;
    header.tagged = skb->vlan_present ? 1 : 0;
    header.depth = s->depth;
    header.tunnel_set = s->tunnel_set;
    header.list = s->list;
    header.at = s->at;
#pragma unroll
    for (int i = 0; i < 16; i += 8) {
        *(__u64*)(header.ct_ipv6_src + i) = *(const __u64*)(s->ct_ipv6_src + i);
        *(__u64*)(header.ct_ipv6_dst + i) = *(const __u64*)(s->ct_ipv6_dst + i);
    }
    const __u64* words = (const __u64*)&s->key;
#pragma unroll
    for (int i = 0; i < kMetadataWords; i++) header.metadata[i] = words[i];
    if (bpf_skb_change_head(skb, sizeof header, 0) ||
        bpf_skb_store_bytes(skb, 0, &header, sizeof header, 0)) {
        t->upcalls_lost++;
        count_drop(kDropUpcallLost);
        return kDone;
    }
    t->upcalls++;
    s->verdict = bpf_redirect(c->upcall_ifindex, 0);
    return kDone;
}
