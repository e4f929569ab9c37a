// Connection tracking of what goes on as it was; everything else goes up.
//
// The map has the daemon's connections that are established, and UDP that nobody answers, by both tuples.  A
// packet of one is held to what conntrack/tracker.cc and conntrack/tcp_tracking.cc would hold it to: its
// checksums and lengths are right, its sequence numbers lie in the windows.  Then the connection's time
// begins anew, the key gets the connection's fields and the packet its translation.  Whatever is in doubt, or
// would change more than numbers (SYN, FIN, RST, a mark that would become another), is the daemon's, and
// nothing has happened yet when that is found out.
//
// Two CPUs with packets of one direction at the same moment may lose one of two steps forward of a number;
// the next packet brings it.

#pragma once

#include "memory.bpf.h"
#include "sum.bpf.h"

enum {
    kStateNew = 0x01,
    kStateEstablished = 0x02,
    kStateReply = 0x08,
    kStateTracked = 0x20,
    kStateSnat = 0x40,
    kStateDnat = 0x80,

    kTcpFin = 0x01,
    kTcpSyn = 0x02,
    kTcpRst = 0x04,
    kTcpAck = 0x10,
    kAcknowledgmentSlack = 0xffff + 1500,
};

// The packet's tuple into scratch.tuple, from its transport header's first words.  0: it has one.
static __always_inline int read_tuple(struct Scratch* s, const __u32* words, __u16 zone, int v6) {
    const struct Key* k = &s->key;
    struct TrackedTuple* t = &s->tuple;
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
        __u32 src = *(const __u32*)(k->nw_src + i), dst = *(const __u32*)(k->nw_dst + i);
        if (!v6 && i) src = dst = 0;
        *(__u32*)(t->src + i) = src;
        *(__u32*)(t->dst + i) = dst;
    }
    t->zone = zone;
    t->protocol = k->nw_proto;
    t->v6 = v6;
    const __u16* half = (const __u16*)words;
    if (k->nw_proto == kProtocolTcp || k->nw_proto == kProtocolUdp) {
        t->src_port = half[0];
        t->dst_port = half[1];
        return !half[0] || !half[1];
    }
    if (k->nw_proto == (v6 ? kProtocolIcmpv6 : kProtocolIcmp)) {
        t->src_port = half[2];  // identifier
        t->dst_port = half[0];  // type and code
        __u8 type = bpf_ntohs(half[0]) >> 8;
        if (bpf_ntohs(half[0]) & 0xff) return 1;
        return v6 ? type != 128 && type != 129 : type != 0 && type != 8;
    }
    return 1;
}

// Lengths and checksums, as conntrack/headers.cc.  What a device has verified or is to fill in is believed.
static __always_inline int intact(struct __sk_buff* skb, struct Scratch* s, __u32 level, const __u32* words,
                                  int v6) {
    if (skb->gso_size) return 1;
    const __u16* half = (const __u16*)words;
    if (s->key.nw_proto == kProtocolUdp && bpf_ntohs(half[2]) != s->l3_end - s->l4) return 0;
    if (bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0) return 1;
    if (!v6) {
        if (sum_packet(skb, level, s->l3, s->l4) || fold(s->sum_result) != 0xffff) return 0;
    }
    __u32 check = transport_checksum(s);
    __u16 pseudo = 0;
    if (check) {
        __u16 field;
        if (bpf_skb_load_bytes(skb, check, &field, 2)) return 0;
        pseudo = pseudo_sum(s);
        if (field == pseudo) return 1;  // to be filled in
        if (s->key.nw_proto == kProtocolUdp && !field) return !v6;
    }
    if (sum_packet(skb, level, s->l4, s->l3_end)) return 0;
    return fold((__u64)s->sum_result + pseudo) == 0xffff;
}

static __always_inline int below(__u32 a, __u32 b) {
    return (__s32)(a - b) < 0;
}

// TcpTracking::update() of an established connection.  0: it is the daemon's to say.
static __always_inline int follow_tcp(const struct Scratch* s, struct TrackedConnection* c, __u32 reply,
                                      const __u32* words) {
    __u32 flags = bpf_ntohl(words[3]) >> 16 & 0x17;
    if (flags != kTcpAck) return 0;
    struct TrackedEnd* from = &c->ends[reply & 1];
    struct TrackedEnd* to = &c->ends[!(reply & 1)];
    __u32 next = *(volatile __u32*)&from->next, limit = *(volatile __u32*)&from->limit;
    __u32 sequence = bpf_ntohl(words[1]), acknowledgment = bpf_ntohl(words[2]);
    __u32 end = sequence + (s->l3_end - s->payload);
    if (sequence == end) sequence = end = next;
    if (c->flags & kTrackedCheckSequences) {
        __s32 skew = *(volatile __u32*)&to->next - acknowledgment;
        __s64 back = (__s64)kAcknowledgmentSlack << (from->scale & 15);
        if (below(limit, end) || below(sequence, next - ((__u32)to->max_window << (to->scale & 15))) ||
            skew < -kAcknowledgmentSlack || skew > back)
            return 0;
    }
    __u16 window = bpf_ntohl(words[3]);
    if (from->max_window < window) from->max_window = window;
    if (below(next, end)) *(volatile __u32*)&from->next = end;
    __u32 more = (__u32)window << (from->scale & 15);
    __u32 allowed = acknowledgment + (more ? more : 1);
    if (below(*(volatile __u32*)&to->limit, allowed)) *(volatile __u32*)&to->limit = allowed;
    return 1;
}

// What `commit` would write is there already.
static __always_inline int committed(const struct Scratch* s, const struct FlowAction* a, __u32 flags,
                                     const struct TrackedConnection* c) {
    const __u32* mark = (const __u32*)a->data;
    if (flags & kTrackMark && BLEND(c->mark, mark[0], mark[1]) != c->mark) return 0;
    if (flags & kTrackLabel) {
        const __u32* label = (const __u32*)c->label;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (BLEND(label[i], s->label[i], s->label[4 + i]) != label[i]) return 0;
        }
    }
    return 1;
}

// The packet's addresses and ports become the other way round of `to`.
static __always_inline void translate(struct __sk_buff* skb, struct Scratch* s, const struct TrackedTuple* to,
                                      int v6) {
    __u32 check = transport_checksum(s);
    const struct TrackedTuple* t = &s->tuple;
    __u32 words = v6 ? 4 : 1;
#pragma unroll
    for (__u32 i = 0; i < 8; i++) {
        if (i % 4 >= words) continue;
        const __u8* old_address = i < 4 ? t->src : t->dst;
        const __u8* new_address = i < 4 ? to->dst : to->src;
        __u32 before = *(const __u32*)(old_address + i % 4 * 4),
              after = *(const __u32*)(new_address + i % 4 * 4);
        if (before == after) continue;
        if (check) bpf_l4_csum_replace(skb, check, before, after, BPF_F_PSEUDO_HDR | udp_flag(s) | 4);
        if (v6) {
            bpf_skb_store_bytes(skb, s->l3 + 8 + i * 4, &after, 4, BPF_F_RECOMPUTE_CSUM);
        } else {
            bpf_l3_csum_replace(skb, s->l3 + 10, before, after, 4);
            bpf_skb_store_bytes(skb, s->l3 + (i < 4 ? 12 : 16), &after, 4, 0);
        }
    }
    if (t->protocol == kProtocolTcp || t->protocol == kProtocolUdp) {
        __u16 after[2] = {to->dst_port, to->src_port};
        if (after[0] != t->src_port) bpf_l4_csum_replace(skb, check, t->src_port, after[0], udp_flag(s) | 2);
        if (after[1] != t->dst_port) bpf_l4_csum_replace(skb, check, t->dst_port, after[1], udp_flag(s) | 2);
        bpf_skb_store_bytes(skb, s->l4, after, 4, 0);
    } else {
        __u16 after = to->src_port;
        if (after == t->src_port) return;
        bpf_l4_csum_replace(skb, s->l4 + 2, t->src_port, after, 2);
        bpf_skb_store_bytes(skb, s->l4 + 4, &after, 2, 0);
    }
}

// The action before scratch.pc: kNext, or kHandUp before anything has happened.
__noinline int track(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kDone;
    __u32 slot = s->slot, pc = s->pc - 1;
    struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
    if (!flow || pc >= kSlotActions) return kDone;
    const struct FlowAction* a = &flow->actions[pc];
    __u32 flags = a->argument >> 8;
    __u16 zone = a->small;
    s->at = a->argument & 0xff;
    // What a copy tracks there is tracked first.
    if (s->copy_up) return kHandUp;

    struct Key* k = &s->key;
    int v6 = k->dl_type == bpf_htons(kTypeIpv6);
    if ((!v6 && k->dl_type != bpf_htons(kTypeIpv4)) || k->nw_frag || !s->payload) return kHandUp;
    __u32 words[4] = {};
    if (k->nw_proto == kProtocolTcp ? bpf_skb_load_bytes(skb, s->l4, words, 16)
                                    : bpf_skb_load_bytes(skb, s->l4, words, 8))
        return kHandUp;
    if (read_tuple(s, words, zone, v6)) return kHandUp;
    __u32* found = bpf_map_lookup_elem(&connections, &s->tuple);
    if (!found) return kHandUp;
    __u32 index = *found >> 1, reply = *found & 1;
    struct TrackedConnection* c = bpf_map_lookup_elem(&tracked, &index);
    if (!c || !*(volatile __u32*)&c->alive) return kHandUp;
    int unanswered = c->flags & kTrackedUnanswered;
    if (unanswered && reply) return kHandUp;
    __u64 now = coarse_now_ns();
    if ((__s64)(now - *(volatile __u64*)&c->used_ns) >= (__s64)c->timeout_ns) return kHandUp;
    if (flags & kTrackCommit && ((flags & kTrackForce && reply) || !committed(s, a, flags, c)))
        return kHandUp;
    if (!intact(skb, s, level, words, v6)) return kHandUp;
    if (k->nw_proto == kProtocolTcp && !follow_tcp(s, c, reply, words)) return kHandUp;
    *(volatile __u64*)&c->used_ns = now;

    __u32 state = kStateTracked | (unanswered ? kStateNew : kStateEstablished) | (reply ? kStateReply : 0);
    k->ct_zone = bpf_htons(zone);
    k->ct_mark = c->mark;
    *(__u64*)k->ct_label = *(const __u64*)c->label;
    *(__u64*)(k->ct_label + 8) = *(const __u64*)(c->label + 8);
    const struct TrackedTuple* o = &c->tuples[0];
    k->ct_nw_proto = o->protocol;
    k->ct_nw_src = v6 ? 0 : *(const __u32*)o->src;
    k->ct_nw_dst = v6 ? 0 : *(const __u32*)o->dst;
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
        *(__u32*)(s->ct_ipv6_src + i) = v6 ? *(const __u32*)(o->src + i) : 0;
        *(__u32*)(s->ct_ipv6_dst + i) = v6 ? *(const __u32*)(o->dst + i) : 0;
    }
    if (o->protocol == kProtocolTcp || o->protocol == kProtocolUdp) {
        k->ct_tp_src = o->src_port;
        k->ct_tp_dst = o->dst_port;
    } else {  // type and code
        k->ct_tp_src = bpf_htons(bpf_ntohs(o->dst_port) >> 8);
        k->ct_tp_dst = bpf_htons(bpf_ntohs(o->dst_port) & 0xff);
    }
    if (flags & kTrackNat && c->flags & (kTrackedSourceNat | kTrackedDestinationNat)) {
        if (c->flags & kTrackedSourceNat) state |= reply ? kStateDnat : kStateSnat;
        if (c->flags & kTrackedDestinationNat) state |= reply ? kStateSnat : kStateDnat;
        translate(skb, s, &c->tuples[!reply], v6);
        s->stale |= kFieldsStale;
    }
    k->ct_state = bpf_htonl(state);
    return kNext;
}
