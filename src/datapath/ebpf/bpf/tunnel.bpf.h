// Tunnel headers, put on and taken off: Geneve (RFC 8926), VXLAN (RFC 7348) and GRE (RFC 2784, 2890) over
// IPv4 and IPv6.
//
// A super-packet stays whole both ways: the helper that makes or takes the room keeps its segments' size or
// makes them smaller, and the device, or whoever cuts it, does the rest.  What may be wrong about a packet is
// found out before it is touched, so that it can still go the daemon's way: to its sockets if it came by a
// tunnel, up if it is to leave by one.
//
// Outer checksums of UDP.  Sent: 0, or if asked for, computed: from the headers alone if the inner checksum
// is still to be filled in or a device has verified it, since then the rest comes to a known sum; of all
// bytes otherwise, for a checksum that is wrong says nothing about them.  Not of super-packets, whose last
// segment's would be wrong; IPv4 does without (RFC 8926 section 3.3, RFC 7348 section 5), and so may tunnels
// over IPv6 (RFC 6935).  Received: what the device has not verified is verified here, from the headers if
// that will do.

#pragma once

#include "memory.bpf.h"
#include "meter.bpf.h"
#include "sum.bpf.h"

enum {
    kEthernetHeader = 14,
    kTag = 4,
    kIpHeader = 20,
    kIpv6Header = 40,
    kUdpHeader = 8,
    kProtocolGre = 47,
    kTransparentBridging = 0x6558,
    kMaxOptions = 8,  // bytes that the key has room for
    kMinSegment = 256,
    kIpDontFragment = 0x4000,
    kFamilyIpv4 = 2,
    kFamilyIpv6 = 10,

    // packet::kTunnel...
    kTunnelDontFragment = 1,
    kTunnelCsum = 2,
    kTunnelKey = 4,
    kTunnelOam = 8,
};

// Not in the headers of older kernels, and refused by those: then the packet goes to the sockets.
#define WEFT_DECAP_L3_IPV4 (1ull << 7)
#define WEFT_DECAP_L3_IPV6 (1ull << 8)

// The last 32 bits, of which Geneve and VXLAN use 24.
static __always_inline __u32* tunnel_id(struct Key* k) {
    return (__u32*)&k->tun_id + 1;
}

static __always_inline void set_tunnel(struct Scratch* s, const struct FlowAction* a) {
    const struct SetTunnelData* d = (const struct SetTunnelData*)a->data;
    struct Key* k = &s->key;
    k->tun_id = d->id;
    k->tun_src = d->src;
    k->tun_dst = a->argument;
    k->tun_flags = d->flags;
    k->tun_tos = d->tos;
    k->tun_ttl = d->ttl;
    k->tun_tp_src = d->tp_src;
    k->tun_tp_dst = d->tp_dst;
    *(__u64*)k->tun_options = *(const __u64*)d->options;
    k->tun_options_length = a->small;
#pragma unroll
    for (int i = 0; i < 16; i += 8) *(__u64*)(k->tun_ipv6_src + i) = *(__u64*)(k->tun_ipv6_dst + i) = 0;
    s->tunnel_set = 1;
}
static __always_inline void set_tunnel_ipv6(struct Scratch* s, const struct FlowAction* a) {
    __u64* to = (__u64*)s->key.tun_ipv6_src;  // and the destination behind it
    const __u64* from = (const __u64*)a->data;
#pragma unroll
    for (int i = 0; i < 4; i++) to[i] = from[i];
}

// `addresses`: two of one word or of four.
static __always_inline __u16 outer_pseudo_sum(const __u32* addresses, int v6, __u16 udp_length) {
    __u64 sum = (__u64)bpf_htonl(kProtocolUdp) + bpf_htonl(udp_length) + addresses[0] + addresses[1];
    if (v6) {
#pragma unroll
        for (int i = 2; i < 8; i++) sum += addresses[i];
    }
    return fold(sum);
}
static __always_inline int over_ipv6(const struct Key* k) {
    return *(const __u64*)k->tun_ipv6_dst || *(const __u64*)(k->tun_ipv6_dst + 8);
}

// Headers are put together in scratch.head, whose packet has been looked at.
static __always_inline void put32(struct Scratch* s, __u32 offset, __u32 value) {
    asm volatile("%0 &= 127" : "+r"(offset));
    *(__u32*)(s->head + offset) = value;
}
static __always_inline void put16(struct Scratch* s, __u32 offset, __u16 value) {
    asm volatile("%0 &= 127" : "+r"(offset));
    *(__u16*)(s->head + offset) = value;
}

// What of the packet has to be summed for an outer checksum: the bytes up to `*end`, what lies behind comes
// to the value.  -1: somebody is yet to fill in what nobody here can know, or it is too much.
static __always_inline int known_sum(struct __sk_buff* skb, const struct Scratch* s, int no_ip, __u32* end) {
    *end = skb->len;
    if (!no_ip) {
        int sum = transport_sum(skb, s);
        __u32 check = transport_checksum(s);
        __u16 field = 0;
        if (check && bpf_skb_load_bytes(skb, check, &field, 2)) return -1;
        int unfinished = check && field == pseudo_sum(s);
        if (sum >= 0 && (unfinished || (check && bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0))) {
            *end = s->l4;
            return sum;
        }
        if (unfinished || s->key.nw_proto == kProtocolSctp) return -1;
    }
    return *end > kMaxSummed ? -1 : 0;
}

// The outer checksum of what push_tunnel() has written; `inner` is known_sum() of before, of what is behind
// `end`.
static __always_inline int finish_udp(struct __sk_buff* skb, struct Scratch* s, __u32 level, __u32 udp,
                                      __u32 end, __u16 inner, __u16 pseudo) {
    if (sum_packet(skb, level, udp, end)) return 1;
    __u16 check = ~fold((__u64)s->sum_result + inner + pseudo);
    if (!check) check = 0xffff;
    return bpf_skb_store_bytes(skb, udp + 6, &check, 2, 0) != 0;
}

// A packet that was not IP is IP now, but the kernel goes by what it noted of it and asks neighbours only for
// IP.  A tag that is put into the packet (the second one pushes the first in) and taken out again makes it
// look.
static __always_inline int note_protocol(struct __sk_buff* skb) {
    return bpf_skb_vlan_push(skb, bpf_htons(kTypeVlan), 1) ||
           bpf_skb_vlan_push(skb, bpf_htons(kTypeVlan), 1) || bpf_skb_vlan_pop(skb) || bpf_skb_vlan_pop(skb);
}

// Sends the packet by a tunnel port: kDone, or kHandUp before anything has happened.  With `only_ask` nothing
// happens: kNext, it could be sent, or kHandUp.
__noinline int push_tunnel(struct __sk_buff* skb, __u32 level, __u32 number, __u32 only_ask) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kDone;
    s->verdict = TC_ACT_SHOT;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    struct Key* k = &s->key;
    // One tag that the kernel keeps beside the packet goes into the inner frame.
    __u32 tag = skb->vlan_present ? kTag : 0;
    if (!port || port->kind != kPortTunnel || port->watched || !s->tunnel_set || s->from_tunnel ||
        (tag ? k->vlan[3] : k->vlan[1]) || k->dl_type == bpf_htons(kTypeVlan) ||
        k->dl_type == bpf_htons(kTypeQinq))
        return kHandUp;
    // Without offloads, and the helper for encapsulation does not take it.
    int no_ip = k->dl_type != bpf_htons(kTypeIpv4) && k->dl_type != bpf_htons(kTypeIpv6);
    // The outer IP header, in scratch.head: its addresses first.
    __u32* ip = (__u32*)(s->head + kEthernetHeader);
    __u32 ifindex, mtu, ip_header;
    struct bpf_redir_neigh next = {};
    int v6 = over_ipv6(k);
    if (v6) {
        struct RemoteIpv6* remote = bpf_map_lookup_elem(&remotes_ipv6, k->tun_ipv6_src);
        if (!remote) return kHandUp;
        ifindex = remote->ifindex;
        mtu = remote->mtu;
        ip_header = kIpv6Header;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            ip[2 + i] = *(const __u32*)(remote->src + 4 * i);
            ip[6 + i] = *(const __u32*)(k->tun_ipv6_dst + 4 * i);
            next.ipv6_nh[i] = *(const __u32*)(remote->next + 4 * i);
        }
        next.nh_family = kFamilyIpv6;
    } else {
        struct RemoteKey where = {k->tun_dst, k->tun_src};
        struct Remote* remote = bpf_map_lookup_elem(&remotes, &where);
        if (!remote) return kHandUp;
        ifindex = remote->ifindex;
        mtu = remote->mtu;
        ip_header = kIpHeader;
        ip[3] = remote->src;
        ip[4] = k->tun_dst;
        next.ipv4_nh = remote->next;
        next.nh_family = kFamilyIpv4;
    }

    __u32 kind = port->tunnel;
    __u16 flags = bpf_ntohs(k->tun_flags);
    __u32 options = kind == kTunnelGeneve ? k->tun_options_length & 12 : 0;
    if (options > kMaxOptions) return kHandUp;
    __u32 header = 16 + options;  // UDP's and the tunnel's
    if (kind == kTunnelGre) {
        if (flags & kTunnelCsum) return kHandUp;
        header = flags & kTunnelKey ? 8 : 4;
    }
    __u32 outer = ip_header + header, room = outer + kEthernetHeader + tag;
    __u32 frame = skb->len + tag, gso = skb->gso_size;
    __u64 how = BPF_F_ADJ_ROOM_FIXED_GSO;
    if (frame + outer > 65535 || (gso && !s->payload)) return kHandUp;
    if ((gso ? s->payload + tag + gso : frame) + outer > mtu) {
        // The helper makes segments smaller by the room; a receiver of TCP joins bytes, not segments.
        if (!gso || k->nw_proto != kProtocolTcp || gso < room + kMinSegment ||
            s->payload + tag + gso - room + outer > mtu)
            return kHandUp;
        how = 0;
    }
    int summed = kind != kTunnelGre && flags & kTunnelCsum && !gso;
    __u32 sum_end = 0;
    int inner_sum = summed ? known_sum(skb, s, no_ip, &sum_end) : -1;
    if (v6 && summed && inner_sum < 0) return kHandUp;
    if (only_ask) return kNext;
    __u32 hash = bpf_get_hash_recalc(skb);
    __u32 at = kEthernetHeader + ip_header, inner = at + header, inner_type = inner + 12 + tag;
    asm volatile("%0 &= 127" : "+r"(inner));
    asm volatile("%0 &= 127" : "+r"(inner_type));
    if (bpf_skb_load_bytes(skb, 0, s->head + inner, 12) ||
        bpf_skb_load_bytes(skb, 12, s->head + inner_type, 2))
        return kHandUp;
    how |=
        (v6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
        (tag ? BPF_F_ADJ_ROOM_ENCAP_L2(kEthernetHeader + kTag) : BPF_F_ADJ_ROOM_ENCAP_L2(kEthernetHeader)) |
        (kind == kTunnelGre ? BPF_F_ADJ_ROOM_ENCAP_L4_GRE : BPF_F_ADJ_ROOM_ENCAP_L4_UDP);
    // Refuses what is encapsulated already: a tenant's own tunnel, or one that it came by.
    __u16 tag_type = skb->vlan_proto, tci = skb->vlan_tci;
    if (tag) bpf_skb_vlan_pop(skb);
    if (no_ip ? bpf_skb_change_head(skb, room, 0) : bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, how)) {
        if (tag) bpf_skb_vlan_push(skb, tag_type, tci);
        return kHandUp;
    }
    if (tag) {
        put16(s, inner + 12, tag_type);
        put16(s, inner + 14, bpf_htons(tci));
    }

    struct PortCounters* counters = counters_of_port(number);
    __u32 length = frame + outer;
    // All headers at once; the outer Ethernet addresses are put in when the neighbour is known.
    __u8 protocol = kind == kTunnelGre ? kProtocolGre : kProtocolUdp, ttl = k->tun_ttl ? k->tun_ttl : 64;
    __u16 udp_length = length - ip_header;
    put32(s, 0, 0);
    put32(s, 4, 0);
    put32(s, 8, 0);
    put16(s, 12, v6 ? bpf_htons(kTypeIpv6) : bpf_htons(kTypeIpv4));
    if (v6) {
        ip[0] = bpf_htonl(0x60000000 | (__u32)k->tun_tos << 20 | (hash & 0xfffff));  // RFC 6438
        ip[1] = bpf_htonl((__u32)udp_length << 16 | protocol << 8 | ttl);
    } else {
        __u16 fragment = flags & kTunnelDontFragment ? kIpDontFragment : 0;
        __u16 id = fragment ? 0 : bpf_get_prandom_u32();
        ip[0] = bpf_htonl(0x45000000 | (__u32)k->tun_tos << 16 | length);
        ip[1] = bpf_htonl((__u32)id << 16 | fragment);
        ip[2] = bpf_htonl((__u32)ttl << 24 | (__u32)protocol << 16);
        __u16 check = ~fold((__u64)ip[0] + ip[1] + ip[2] + ip[3] + ip[4]);
        *((__u16*)ip + 5) = check;
    }
    // The tunnel's words, behind UDP's two; the identifier is the key's last 24 or 32 bits.
    __u32 low = bpf_ntohl(*tunnel_id(k));
    if (kind == kTunnelGre) {
        put32(s, at, bpf_htonl((flags & kTunnelKey ? 0x20000000 : 0) | kTransparentBridging));
        if (header == 8) put32(s, at + 4, bpf_htonl(low));
    } else {
        __u16 source_port = k->tun_tp_src ? k->tun_tp_src : bpf_htons(0xc000 | (hash & 0x3fff));
        __u16 target_port = k->tun_tp_dst ? k->tun_tp_dst : (__u16)port->tunnel_port;
        put16(s, at, source_port);
        put16(s, at + 2, target_port);
        put32(s, at + 4, bpf_htonl((__u32)udp_length << 16));
        __u32 first = 0x08000000;
        if (kind != kTunnelVxlan) {
            first = options / 4 << 24 | kTransparentBridging;
            if (flags & kTunnelOam) first |= 0x800000;
            const __u8* o = k->tun_options;
            int critical = options && o[2] & 0x80;
            if (options == 8 && !(o[3] & 0x1f) && o[6] & 0x80) critical = 1;
            if (critical) first |= 0x400000;
            // Behind them the inner frame begins.
            if (options) put32(s, at + 16, *(const __u32*)o);
            if (options == 8) put32(s, at + 20, *(const __u32*)(o + 4));
        }
        put32(s, at + 8, bpf_htonl(first));
        put32(s, at + 12, bpf_htonl(low << 8));
    }
    __u32 all = kEthernetHeader + room;
    asm volatile("%0 &= 127" : "+r"(all));
    int failed = !all || bpf_skb_store_bytes(skb, 0, s->head, all, 0);
    if (inner_sum >= 0 && !failed)
        failed = finish_udp(skb, s, level, at, sum_end + room, inner_sum,
                            outer_pseudo_sum(v6 ? ip + 2 : ip + 3, v6, udp_length));
    if (no_ip && !failed) failed = note_protocol(skb);
    if (failed) {
        count_drop(kDropTransmitError);
        if (counters) counters->tx_dropped++;
        return kDone;
    }
    if (counters) {
        counters->tx_packets++;
        counters->tx_bytes += frame + header - (kind == kTunnelGre ? 0 : kUdpHeader);
    }
    // Without the next hop the helper looks for a route itself.
    s->verdict = next.ipv6_nh[0] ? bpf_redirect_neigh(ifindex, &next, sizeof next, 0)
                                 : bpf_redirect_neigh(ifindex, 0, 0, 0);
    return kDone;
}

// What take_tunnel() says.
enum {
    kTaken = 0,     // the inner packet is there, the key has the tunnel's fields
    kNotTaken = 1,  // not for us, or for the sockets: nothing has happened
    kDamaged = 2,   // it has been counted and is dropped
    kWatched = 3,   // taken, and to be shown: it goes up unseen
};

// The tunnel's own header and UDP's, from `at` to `*end`.
static __always_inline int read_tunnel(struct __sk_buff* skb, struct Scratch* s, __u32 kind, __u32 at,
                                       __u32* end) {
    struct Key* k = &s->key;
    __u32 words[2];
    __u16 flags = kTunnelKey;
    if (kind == kTunnelGre) {
        if (bpf_skb_load_bytes(skb, at, words, 8)) return kNotTaken;
        __u32 first = bpf_ntohl(words[0]);
        if ((first & 0xffff) != kTransparentBridging || first & 0xdfff0000) return kNotTaken;
        *end = at + 4;
        if (first & 0x20000000) {
            *tunnel_id(k) = words[1];
            *end += 4;
        } else {
            flags = 0;
        }
    } else {
        if (bpf_skb_load_bytes(skb, at + kUdpHeader, words, 8)) return kNotTaken;
        __u32 first = bpf_ntohl(words[0]);
        *tunnel_id(k) = bpf_htonl(bpf_ntohl(words[1]) >> 8);
        *end = at + kUdpHeader + 8;
        if (kind == kTunnelVxlan) {
            if ((first >> 24 & 0x8c) != 0x08) return kNotTaken;  // with an extension: the daemon's
        } else {
            __u32 options = (first >> 24 & 0x3f) * 4;
            if (first >> 30 || (first & 0xffff) != kTransparentBridging || options > kMaxOptions)
                return kNotTaken;
            __u8* o = k->tun_options;
            if (options) {
                if (options == 8 ? bpf_skb_load_bytes(skb, *end, o, 8) : bpf_skb_load_bytes(skb, *end, o, 4))
                    return kNotTaken;
                __u32 body = (o[3] & 0x1f) * 4;
                if (options == 4 ? body != 0 : body != 4 && (body || o[7] & 0x1f)) return kNotTaken;
            }
            k->tun_options_length = options;
            *end += options;
            if (first & 0x800000) flags |= kTunnelOam;
        }
    }
    k->tun_flags = bpf_htons(flags);
    return kTaken;
}

// Whether the outer checksum is right, of which `outer` is the sum of what is no longer there.  The inner
// packet has just been parsed, with what result `parsed` says.
static __always_inline int outer_sum_right(struct __sk_buff* skb, struct Scratch* s, __u32 level, __u16 outer,
                                           int parsed) {
    int inner = parsed == kNext ? transport_sum(skb, s) : -1;
    __u32 to = s->l4, length = skb->len;
    asm volatile("" : "+r"(to), "+r"(length));  // or the compiler makes one load of two
    if (inner >= 0) {
        if (sum_packet(skb, level, 0, to)) return 1;
        if (fold((__u64)s->sum_result + outer + (__u16)inner) == 0xffff) return 1;
        // The inner packet may have been damaged before the outer one was made: then the sum is of what is
        // there.
    }
    if (skb->gso_size) return 1;  // each segment had its own
    if (sum_packet(skb, level, 0, length)) return 1;
    return fold((__u64)s->sum_result + outer) == 0xffff;
}

// The outer IP header of a packet for this host: the key's fields, what follows and where.
static __always_inline int read_outer(struct __sk_buff* skb, struct Key* k, __u32* ip, int v6, __u8* protocol,
                                      __u32* at) {
    if (v6) {
        if (bpf_skb_load_bytes(skb, kEthernetHeader, ip, kIpv6Header)) return 1;
        __u32 first = bpf_ntohl(ip[0]), second = bpf_ntohl(ip[1]);
        *protocol = second >> 8;
        *at = kEthernetHeader + kIpv6Header;
        if (first >> 28 != 6 || (second >> 16) + *at != skb->len ||
            !bpf_map_lookup_elem(&local_addresses_ipv6, ip + 6))
            return 1;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            *(__u32*)(k->tun_ipv6_src + 4 * i) = ip[2 + i];
            *(__u32*)(k->tun_ipv6_dst + 4 * i) = ip[6 + i];
        }
        k->tun_tos = first >> 20;
        k->tun_ttl = second;
        return 0;
    }
    if (bpf_skb_load_bytes(skb, kEthernetHeader, ip, kIpHeader)) return 1;
    __u32 first = bpf_ntohl(ip[0]), third = bpf_ntohl(ip[2]);
    *protocol = third >> 16;
    *at = kEthernetHeader + kIpHeader;
    if (first >> 24 != 0x45 || bpf_ntohl(ip[1]) & 0x3fff || (first & 0xffff) + kEthernetHeader != skb->len ||
        !bpf_map_lookup_elem(&local_addresses, &ip[4]) ||
        fold((__u64)ip[0] + ip[1] + ip[2] + ip[3] + ip[4]) != 0xffff)
        return 1;
    k->tun_src = ip[3];
    k->tun_dst = ip[4];
    k->tun_tos = first >> 16;
    k->tun_ttl = third >> 24;
    return 0;
}

// Takes the outer headers off a packet that came in by an underlay.
__noinline int take_tunnel(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kNotTaken;
    __u32 ip[10] = {};
    __u16 udp[4] = {};
    int v6 = skb->protocol == bpf_htons(kTypeIpv6);
    if ((!v6 && skb->protocol != bpf_htons(kTypeIpv4)) || skb->vlan_present) return kNotTaken;
    struct Key* k = &s->key;
    __u8 protocol;
    __u32 at;
    if (read_outer(skb, k, ip, v6, &protocol, &at) ||
        (protocol != kProtocolUdp && protocol != kProtocolGre) ||
        (protocol == kProtocolUdp && bpf_skb_load_bytes(skb, at, udp, 8)))
        return kNotTaken;
    __u32 selector = WEFT_TUNNEL_SELECTOR(protocol, udp[1]);
    __u32* found = bpf_map_lookup_elem(&tunnel_ports, &selector);
    if (!found) return kNotTaken;
    __u32 number = *found;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    struct PortCounters* counters = counters_of_port(number);
    if (!port || port->kind != kPortTunnel || !counters) return kNotTaken;

    s->in_port = number;
    k->in_port = bpf_htonl(number);
    k->tun_tp_src = udp[0];
    k->tun_tp_dst = udp[1];
    __u32 end = 0;
    if (read_tunnel(skb, s, port->tunnel, at, &end) != kTaken) return kNotTaken;
    if (skb->len < end + kEthernetHeader) return kNotTaken;

    int verify = 0;
    __u16 outer = 0;
    __s64 verified = bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY);
    if (udp[3] && verified < 0) {
        outer = outer_pseudo_sum(v6 ? ip + 2 : ip + 3, v6, bpf_ntohs(udp[2]));
        // Left to whoever comes next, with its place outside of what remains: the sockets know what to do.
        if (outer == udp[3]) return kNotTaken;
        if (sum_packet(skb, level, at, end)) return kNotTaken;
        outer = fold((__u64)outer + s->sum_result);
        verify = 1;
    }
    __u16 ethernet[8] = {};
    if (bpf_skb_load_bytes(skb, end, ethernet, kEthernetHeader)) return kNotTaken;
    // A tag goes beside the packet, since the kernel is not told that there is one in it.
    __u16 tag = 0, tag_type = ethernet[6];
    __u32 cut = end;
    if (tag_type == bpf_htons(kTypeVlan) || tag_type == bpf_htons(kTypeQinq)) {
        if (skb->len < end + kEthernetHeader + 4 + kIpHeader || bpf_skb_load_bytes(skb, end + 14, &tag, 2) ||
            bpf_skb_load_bytes(skb, end + 16, &ethernet[6], 2) || ethernet[6] == bpf_htons(kTypeVlan) ||
            ethernet[6] == bpf_htons(kTypeQinq))
            return kNotTaken;
        cut += 4;
    } else {
        tag_type = 0;
    }
    // What the device has verified of the outer packet it has not of the inner one.
    if (verified >= 0) bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
    __u64 how = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
    int inner_v6 = ethernet[6] == bpf_htons(kTypeIpv6);
    if (v6 != inner_v6) how |= inner_v6 ? WEFT_DECAP_L3_IPV6 : WEFT_DECAP_L3_IPV4;
    if (bpf_skb_adjust_room(skb, -(__s32)cut, BPF_ADJ_ROOM_MAC, how)) return kNotTaken;
    if (bpf_skb_store_bytes(skb, 0, ethernet, kEthernetHeader, 0)) return kDamaged;
    if (tag_type) {
        if (bpf_skb_vlan_push(skb, tag_type, bpf_ntohs(tag))) return kDamaged;
        outer = fold((__u64)outer + tag_type + tag);  // in what was summed, but no longer in the packet
    }
    s->from_tunnel = 1;
    counters->rx_packets++;
    counters->rx_bytes += packet_bytes(skb);
    if (verify) {
        int what = parse(skb, level);
        s->parsed = what == kNext;
        if (!outer_sum_right(skb, s, level, outer, what)) {
            count_drop(kDropBadChecksum);
            return kDamaged;
        }
    }
    if (port->policed && !let_in(skb, number)) return kDamaged;
    if (port->watched) return kWatched;
    return kTaken;
}
