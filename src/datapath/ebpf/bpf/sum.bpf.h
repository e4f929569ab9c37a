// Internet checksums (RFC 1071) over bytes of a packet, and what is known of them without looking.
//
// Sums are of 16-bit words as they lie in memory, so no byte order matters.

#pragma once

#include "memory.bpf.h"
#include "parse.bpf.h"

static __always_inline __u16 fold(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

enum {
    kMaxSums = 40,                            // of kSumBytes each
    kMaxSummed = kMaxSums * kSumBytes - 256,  // bytes of a packet, outer headers left out
};

// Sums the bytes from `from` (even) to `to`, at most 10 KB, into scratch.sum_result.  0: done.
__noinline int sum_packet(struct __sk_buff* skb, __u32 level, __u32 from, __u32 to) {
    struct Scratch* s = scratch_of(level);
    if (!s || to < from) return 1;
    __u32 sum = 0;
    for (int i = 0; i < kMaxSums; i++) {
        if (from >= to) break;
        __u32 count = to - from;
        if (count >= kSumBytes) {
            count = kSumBytes;
            if (bpf_skb_load_bytes(skb, from, s->sum_bytes, kSumBytes)) return 1;
            sum = bpf_csum_diff(0, 0, (__be32*)s->sum_bytes, kSumBytes, sum);
        } else {
            // The verifier forgets what it knows of a value that is compared later, not of a masked one.
            asm volatile("%0 &= 255" : "+r"(count));
            if (count < 1) return 1;
            __u32 whole = count & 252;
            *(__u32*)(s->sum_bytes + whole) = 0;
            if (bpf_skb_load_bytes(skb, from, s->sum_bytes, count)) return 1;
            __u32 padded = (count + 3) & 508;
            asm volatile("%0 &= 508" : "+r"(padded));
            if (padded > kSumBytes) return 1;
            sum = bpf_csum_diff(0, 0, (__be32*)s->sum_bytes, padded, sum);
        }
        from += count;
    }
    s->sum_result = sum;
    return from < to;
}

// Of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1), of the packet
// that the key describes.
static __always_inline __u16 pseudo_sum(const struct Scratch* s) {
    const struct Key* k = &s->key;
    __u64 sum = (__u64)bpf_htonl(s->l3_end - s->l4) + bpf_htonl(k->nw_proto);
    sum += (__u64) * (const __u32*)k->nw_src + *(const __u32*)k->nw_dst;
    if (k->dl_type == bpf_htons(kTypeIpv6)) {
#pragma unroll
        for (int i = 4; i < 16; i += 4)
            sum += (__u64) * (const __u32*)(k->nw_src + i) + *(const __u32*)(k->nw_dst + i);
    }
    return fold(sum);
}

// Where the transport header has a checksum over addresses; 0: it has none.
static __always_inline __u32 transport_checksum(const struct Scratch* s) {
    if (!s->payload) return 0;
    switch (s->key.nw_proto) {
        case kProtocolTcp:
            return s->l4 + 16;
        case kProtocolUdp:
            return s->l4 + 6;
        case kProtocolIcmpv6:
            return s->key.dl_type == bpf_htons(kTypeIpv6) ? s->l4 + 2 : 0;
        default:
            return 0;
    }
}

static __always_inline __u64 udp_flag(const struct Scratch* s) {
    return s->key.nw_proto == kProtocolUdp ? BPF_F_MARK_MANGLED_0 : 0;
}

// The sum from the transport header to the packet's end once its checksum is filled in, whoever does that and
// when: it makes the whole, pseudo header included, come to all ones.  -1: not known.
static __always_inline int transport_sum(struct __sk_buff* skb, const struct Scratch* s) {
    if (!s->payload || s->key.nw_frag || s->l3_end != skb->len) return -1;
    __u32 check = transport_checksum(s);
    if (!check) {
        return s->key.nw_proto == kProtocolIcmp && s->key.dl_type == bpf_htons(kTypeIpv4) ? 0 : -1;
    }
    if (s->key.nw_proto == kProtocolUdp) {
        __u16 field;
        if (bpf_skb_load_bytes(skb, check, &field, 2) || !field) return -1;
    }
    return (__u16)~pseudo_sum(s);
}
