// Packet to key: what packet/extract.cc does, for the packets that need no walk of unknown length.

#pragma once

#include "memory.bpf.h"

enum {
    kTypeIpv4 = 0x0800,
    kTypeArp = 0x0806,
    kTypeRarp = 0x8035,
    kTypeVlan = 0x8100,
    kTypeQinq = 0x88a8,
    kTypeIpv6 = 0x86dd,
    kTypeMpls = 0x8847,
    kTypeMplsMulticast = 0x8848,
    kTypeNsh = 0x894f,
    kMinType = 0x0600,

    kProtocolIcmp = 1,
    kProtocolIgmp = 2,
    kProtocolTcp = 6,
    kProtocolUdp = 17,
    kProtocolIcmpv6 = 58,
    kProtocolSctp = 132,

    kCfi = 0x1000,
    kFragAny = 1,
    kFragLater = 2,
};

// A place in scratch.head.  The verifier does not follow comparisons between two variables; the mask it
// does, and it must not be optimised away.
static __always_inline const __u8* head_at(struct Scratch* s, __u32 offset) {
    asm volatile("%0 &= 127" : "+r"(offset));
    return s->head + offset;
}
static __always_inline __u16 be16_at(struct Scratch* s, __u32 offset) {
    return bpf_ntohs(*(const __u16*)head_at(s, offset));
}
static __always_inline __u8 byte_at(struct Scratch* s, __u32 offset) {
    return *head_at(s, offset);
}

// Ports and what is like them, from the transport header at s->l4; `end` is the IP packet's.  False: a kind
// that only userspace takes apart.
static __always_inline int parse_transport(struct Scratch* s, __u32 have, __u32 end, int v6) {
    struct Key* k = &s->key;
    __u32 l4 = s->l4;
    __u32 size = end - l4;  // never below 0: the caller has looked
    __u32 header;
    switch (k->nw_proto) {
        case kProtocolTcp:
            header = 20;
            break;
        case kProtocolUdp:
            header = 8;
            break;
        case kProtocolSctp:
            header = 12;
            break;
        case kProtocolIcmp:
            if (v6) return 1;
            header = 8;
            break;
        case kProtocolIcmpv6:
            if (!v6) return 1;
            header = 8;
            break;
        case kProtocolIgmp:
            return v6;
        default:
            return 1;
    }
    if (size < header) return 1;
    if (l4 + header > have) return 0;
    const __u8* p = head_at(s, l4);
    if (k->nw_proto == kProtocolTcp) {
        __u32 stated = (p[12] >> 4) * 4;
        if (stated < 20 || stated > size) return 1;
        k->tcp_flags = *(const __u16*)(p + 12) & bpf_htons(0x0fff);
        header = stated;
    }
    if (k->nw_proto == kProtocolIcmp || k->nw_proto == kProtocolIcmpv6) {
        if (v6 && (p[0] == 135 || p[0] == 136)) return 0;  // neighbour discovery
        k->tp_src = bpf_htons(p[0]);
        k->tp_dst = bpf_htons(p[1]);
    } else {
        k->tp_src = *(const __u16*)p;
        k->tp_dst = *(const __u16*)(p + 2);
    }
    s->payload = l4 + header;
    return 1;
}

// Fills the packet's part of the key and the layout.  kNext, or kUserspace for packets of other kinds.
__noinline int parse(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    struct Config* c = config_of();
    if (!s || !c) return kUserspace;
    __u64* words = (__u64*)&s->key;
#pragma unroll
    for (int i = kMetadataWords; i < kKeyWords; i++) words[i] = 0;
    s->stale = 0;
    s->l3 = s->l4 = s->payload = s->l3_end = 0;

    __u32 length = skb->len;
    __u32 have = length < kHeadBytes ? length : kHeadBytes;
    if (have < 14) return kUserspace;
    if (have == kHeadBytes) {
        if (bpf_skb_load_bytes(skb, 0, s->head, kHeadBytes)) return kUserspace;
    } else {
        asm volatile("%0 &= 127" : "+r"(have));
        if (have < 14 || bpf_skb_load_bytes(skb, 0, s->head, have)) return kUserspace;
    }

    struct Key* k = &s->key;
    __builtin_memcpy(k->dl_dst, s->head, 6);
    __builtin_memcpy(k->dl_src, s->head + 6, 6);
    __u32 limit = c->vlan_limit;
    __u32 at = 14;
    __u16 type = be16_at(s, 12);
    if (skb->vlan_present) {
        if (!limit) return kUserspace;
        k->vlan[0] = skb->vlan_proto;
        k->vlan[1] = bpf_htons(skb->vlan_tci | kCfi);
        if (limit > 1 && (type == kTypeVlan || type == kTypeQinq) && have >= 18) {
            k->vlan[2] = bpf_htons(type);
            k->vlan[3] = bpf_htons(be16_at(s, 14) | kCfi);
            type = be16_at(s, 16);
            at = 18;
        }
    } else if (limit && (type == kTypeVlan || type == kTypeQinq) && have >= 18) {
        k->vlan[0] = bpf_htons(type);
        k->vlan[1] = bpf_htons(be16_at(s, 14) | kCfi);
        type = be16_at(s, 16);
        at = 18;
        if (limit > 1 && (type == kTypeVlan || type == kTypeQinq) && have >= 22) {
            k->vlan[2] = bpf_htons(type);
            k->vlan[3] = bpf_htons(be16_at(s, 18) | kCfi);
            type = be16_at(s, 20);
            at = 22;
        }
    }
    if (type < kMinType || type == kTypeMpls || type == kTypeMplsMulticast || type == kTypeNsh)
        return kUserspace;
    k->dl_type = bpf_htons(type);
    s->l3 = at;
    __u32 rest = length - at;

    if (type == kTypeIpv4) {
        if (rest < 20) return kNext;
        if (at + 20 > have) return kUserspace;
        const __u8* p = head_at(s, at);
        __u32 header = (p[0] & 15) * 4;
        __u32 total = bpf_ntohs(*(const __u16*)(p + 2));
        if (header < 20 || header > rest || total < header || total > rest) return kNext;
        if (rest - total > 255) return kUserspace;  // so much padding is rare
        *(__u32*)k->nw_src = *(const __u32*)(p + 12);
        *(__u32*)k->nw_dst = *(const __u32*)(p + 16);
        k->nw_proto = p[9];
        k->nw_tos = p[1];
        k->nw_ttl = p[8];
        __u16 fragment = bpf_ntohs(*(const __u16*)(p + 6));
        if (fragment & 0x3fff) k->nw_frag = kFragAny | (fragment & 0x1fff ? kFragLater : 0);
        s->l3_end = at + total;
        s->l4 = at + header;
        if (k->nw_frag & kFragLater) return kNext;
        return parse_transport(s, have, at + total, 0) ? kNext : kUserspace;
    }
    if (type == kTypeIpv6) {
        if (rest < 40) return kNext;
        if (at + 40 > have) return kUserspace;
        const __u8* p = head_at(s, at);
        __u32 total = bpf_ntohs(*(const __u16*)(p + 4)) + 40;
        // Damaged, or with extension headers: rare either way.
        if (total > rest || rest - total > 255) return kUserspace;
        switch (p[6]) {
            case kProtocolTcp:
            case kProtocolUdp:
            case kProtocolIcmpv6:
            case kProtocolSctp:
                break;
            default:
                return kUserspace;
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            *(__u32*)(k->nw_src + 4 * i) = *(const __u32*)(p + 8 + 4 * i);
            *(__u32*)(k->nw_dst + 4 * i) = *(const __u32*)(p + 24 + 4 * i);
        }
        __u32 first = bpf_ntohl(*(const __u32*)p);
        k->ipv6_label = bpf_htonl(first & 0xfffff);
        k->nw_tos = first >> 20;
        k->nw_ttl = p[7];
        k->nw_proto = p[6];
        s->l3_end = at + total;
        s->l4 = at + 40;
        return parse_transport(s, have, at + total, 1) ? kNext : kUserspace;
    }
    if (type == kTypeArp || type == kTypeRarp) {
        if (rest < 28) return kNext;
        if (at + 28 > have) return kUserspace;
        const __u8* p = head_at(s, at);
        // Ethernet and IPv4, and an operation that the key can hold.
        if (*(const __u32*)p != bpf_htonl(0x00010800) || *(const __u16*)(p + 4) != bpf_htons(0x0604) || p[6])
            return kUserspace;
        k->nw_proto = p[7];
        *(__u32*)k->nw_src = *(const __u32*)(p + 14);
        *(__u32*)k->nw_dst = *(const __u32*)(p + 24);
        *(__u32*)(k->nw_src + 4) = *(const __u32*)(p + 8);
        *(__u16*)(k->nw_src + 8) = *(const __u16*)(p + 12);
        *(__u32*)(k->nw_dst + 4) = *(const __u32*)(p + 18);
        *(__u16*)(k->nw_dst + 8) = *(const __u16*)(p + 22);
        return kNext;
    }
    return kNext;
}
