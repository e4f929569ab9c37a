// Tunnel headers, put on and taken off: Geneve (RFC 8926), VXLAN (RFC 7348) and GRE (RFC 2784, 2890) over
// IPv4.
//
// A super-packet stays whole both ways: the helper that makes or takes the room keeps its segments' size or
// makes them smaller, and the device, or whoever cuts it, does the rest.  What may be wrong about a packet is
// found out before it is touched, so that it can still go the daemon's way: to its sockets if it came by a
// tunnel, up if it is to leave by one.
//
// Outer checksums of UDP.  Sent: 0, or if asked for, computed from the headers alone, since what the inner
// transport header says makes the rest come to a known sum.  Not of super-packets, whose last segment's would
// be wrong; IPv4 does without (RFC 8926 section 3.3, RFC 7348 section 5).  Received: what the device has not
// verified is verified here, in the same way.

#pragma once

#include "memory.bpf.h"
#include "sum.bpf.h"

enum {
    kEthernetHeader = 14,
    kIpHeader = 20,
    kUdpHeader = 8,
    kProtocolGre = 47,
    kTransparentBridging = 0x6558,
    kMaxOptions = 8,  // bytes that the key has room for
    kMinSegment = 256,
    kIpDontFragment = 0x4000,

    // packet::kTunnel...
    kTunnelDontFragment = 1,
    kTunnelCsum = 2,
    kTunnelKey = 4,
    kTunnelOam = 8,
};

// Not in the headers of older kernels, and refused by those: then the packet goes to the sockets.
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
    s->tunnel_set = 1;
}

static __always_inline __u16 outer_pseudo_sum(__u32 src, __u32 dst, __u16 udp_length) {
    return fold((__u64)src + dst + bpf_htonl(kProtocolUdp) + bpf_htonl(udp_length));
}

// The outer checksum of what push_tunnel() has written; `inner` is transport_sum() of before.
static __always_inline int finish_udp(struct __sk_buff* skb, struct Scratch* s, __u32 level, __u32 l4,
                                      __u16 inner, __u16 pseudo) {
    enum { kUdpAt = kEthernetHeader + kIpHeader };
    if (sum_packet(skb, level, kUdpAt, l4)) return 1;
    __u16 check = ~fold((__u64)s->sum_result + inner + pseudo);
    if (!check) check = 0xffff;
    return bpf_skb_store_bytes(skb, kUdpAt + 6, &check, 2, 0) != 0;
}

// Sends the packet by a tunnel port: kDone, or kHandUp before anything has happened.
__noinline int push_tunnel(struct __sk_buff* skb, __u32 level, __u32 number) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kDone;
    s->verdict = TC_ACT_SHOT;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    struct Key* k = &s->key;
    if (!port || port->kind != kPortTunnel || port->watched || !s->tunnel_set || s->from_tunnel ||
        k->vlan[1] || skb->vlan_present ||
        (k->dl_type != bpf_htons(kTypeIpv4) && k->dl_type != bpf_htons(kTypeIpv6)))
        return kHandUp;
    struct RemoteKey where = {k->tun_dst, k->tun_src};
    struct Remote* remote = bpf_map_lookup_elem(&remotes, &where);
    if (!remote) return kHandUp;
    __u32 ifindex = remote->ifindex, source = remote->src, mtu = remote->mtu;

    __u32 kind = port->tunnel;
    __u16 flags = bpf_ntohs(k->tun_flags);
    __u32 options = kind == kTunnelGeneve ? k->tun_options_length & 12 : 0;
    if (options > kMaxOptions) return kHandUp;
    __u32 header = 16 + options;  // UDP's and the tunnel's
    if (kind == kTunnelGre) {
        if (flags & kTunnelCsum) return kHandUp;
        header = flags & kTunnelKey ? 8 : 4;
    }
    __u32 outer = kIpHeader + header, room = outer + kEthernetHeader;
    __u32 frame = skb->len, gso = skb->gso_size;
    __u64 how = BPF_F_ADJ_ROOM_FIXED_GSO;
    if (frame + outer > 65535 || (gso && !s->payload)) return kHandUp;
    if ((gso ? s->payload + gso : frame) + outer > mtu) {
        // The helper makes segments smaller by the room; a receiver of TCP joins bytes, not segments.
        if (!gso || k->nw_proto != kProtocolTcp || gso < room + kMinSegment ||
            s->payload + gso - room + outer > mtu)
            return kHandUp;
        how = 0;
    }
    int inner_sum = kind != kTunnelGre && flags & kTunnelCsum && !gso ? transport_sum(skb, s) : -1;
    __u32 hash = bpf_get_hash_recalc(skb);
    __u32 inner_l4 = s->l4 + room;
    __u16 inner_ethernet[8] = {};
    if (bpf_skb_load_bytes(skb, 0, inner_ethernet, kEthernetHeader)) return kHandUp;
    how |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L2(kEthernetHeader) |
           BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
           (kind == kTunnelGre ? BPF_F_ADJ_ROOM_ENCAP_L4_GRE : BPF_F_ADJ_ROOM_ENCAP_L4_UDP);
    // Refuses what is encapsulated already: a tenant's own tunnel, or one that it came by.
    if (bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, how)) return kHandUp;

    struct PortCounters* counters = counters_of_port(number);
    __u32 length = frame + outer;
    // Addresses are put in front when the neighbour is known.
    __u16 ethernet[8] = {0, 0, 0, 0, 0, 0, bpf_htons(kTypeIpv4)};
    __u32 ip[5];
    __u16 fragment = flags & kTunnelDontFragment ? kIpDontFragment : 0;
    __u16 id = fragment ? 0 : bpf_get_prandom_u32();
    ip[0] = bpf_htonl(0x45000000 | (__u32)k->tun_tos << 16 | length);
    ip[1] = bpf_htonl((__u32)id << 16 | fragment);
    ip[2] = bpf_htonl((__u32)(k->tun_ttl ? k->tun_ttl : 64) << 24 |
                      (kind == kTunnelGre ? kProtocolGre : kProtocolUdp) << 16);
    ip[3] = source;
    ip[4] = k->tun_dst;
    __u16 check = ~fold((__u64)ip[0] + ip[1] + ip[2] + ip[3] + ip[4]);
    *((__u16*)ip + 5) = check;
    // The tunnel's words: UDP two, then its own; the identifier is the key's last 24 or 32 bits.
    __u32 words[6] = {};
    __u32 at = kEthernetHeader + kIpHeader;
    __u16 udp_length = length - kIpHeader;
    int failed = bpf_skb_store_bytes(skb, 0, ethernet, kEthernetHeader, 0) ||
                 bpf_skb_store_bytes(skb, kEthernetHeader, ip, kIpHeader, 0);
    __u32 low = bpf_ntohl(*tunnel_id(k));
    if (kind == kTunnelGre) {
        words[0] = bpf_htonl((flags & kTunnelKey ? 0x20000000 : 0) | kTransparentBridging);
        words[1] = bpf_htonl(low);
        failed = failed || bpf_skb_store_bytes(skb, at, words, 4, 0) ||
                 (header == 8 && bpf_skb_store_bytes(skb, at + 4, words + 1, 4, 0));
    } else {
        __u16 source_port = k->tun_tp_src ? k->tun_tp_src : bpf_htons(0xc000 | (hash & 0x3fff));
        __u16 target_port = k->tun_tp_dst ? k->tun_tp_dst : (__u16)port->tunnel_port;
        words[0] = bpf_htonl((__u32)bpf_ntohs(source_port) << 16 | bpf_ntohs(target_port));
        words[1] = bpf_htonl((__u32)udp_length << 16);
        words[3] = bpf_htonl(low << 8);
        if (kind == kTunnelVxlan) {
            words[2] = bpf_htonl(0x08000000);
        } else {
            __u32 first = options / 4 << 24 | kTransparentBridging;
            if (flags & kTunnelOam) first |= 0x800000;
            const __u8* o = k->tun_options;
            int critical = options && o[2] & 0x80;
            if (options == 8 && !(o[3] & 0x1f) && o[6] & 0x80) critical = 1;
            if (critical) first |= 0x400000;
            words[2] = bpf_htonl(first);
            words[4] = *(const __u32*)o;
            words[5] = *(const __u32*)(o + 4);
        }
        failed = failed || bpf_skb_store_bytes(skb, at, words, 16, 0) ||
                 (options >= 4 && bpf_skb_store_bytes(skb, at + 16, words + 4, 4, 0)) ||
                 (options == 8 && bpf_skb_store_bytes(skb, at + 20, words + 5, 4, 0));
    }
    failed = failed || bpf_skb_store_bytes(skb, at + header, inner_ethernet, kEthernetHeader, 0);
    if (inner_sum >= 0 && !failed)
        failed =
            finish_udp(skb, s, level, inner_l4, inner_sum, outer_pseudo_sum(source, k->tun_dst, udp_length));
    if (failed) {
        count_drop(kDropTransmitError);
        if (counters) counters->tx_dropped++;
        return kDone;
    }
    if (counters) {
        counters->tx_packets++;
        counters->tx_bytes += frame + header - (kind == kTunnelGre ? 0 : kUdpHeader);
    }
    s->verdict = bpf_redirect_neigh(ifindex, 0, 0, 0);
    return kDone;
}

// What take_tunnel() says.
enum {
    kTaken = 0,     // the inner packet is there, the key has the tunnel's fields
    kNotTaken = 1,  // not for us, or for the sockets: nothing has happened
    kDamaged = 2,   // it has been counted
    kWatched = 3,   // taken, and to be shown: it goes up unseen
};

// The tunnel's own header, which ends at `*end`.
static __always_inline int read_tunnel(struct __sk_buff* skb, struct Scratch* s, __u32 kind, __u32* end) {
    enum { kAt = kEthernetHeader + kIpHeader };
    struct Key* k = &s->key;
    __u32 words[2];
    __u16 flags = kTunnelKey;
    if (kind == kTunnelGre) {
        if (bpf_skb_load_bytes(skb, kAt, words, 8)) return kNotTaken;
        __u32 first = bpf_ntohl(words[0]);
        if ((first & 0xffff) != kTransparentBridging || first & 0xdfff0000) return kNotTaken;
        *end = kAt + 4;
        if (first & 0x20000000) {
            *tunnel_id(k) = words[1];
            *end += 4;
        } else {
            flags = 0;
        }
    } else {
        if (bpf_skb_load_bytes(skb, kAt + kUdpHeader, words, 8)) return kNotTaken;
        __u32 first = bpf_ntohl(words[0]);
        *tunnel_id(k) = bpf_htonl(bpf_ntohl(words[1]) >> 8);
        *end = kAt + kUdpHeader + 8;
        if (kind == kTunnelVxlan) {
            if ((first >> 24 & 0x88) != 0x08) return kNotTaken;  // with a group policy: the daemon's
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
    if (inner < 0) {
        if (skb->gso_size) return 1;  // each segment had its own
        inner = 0;
        to = length;
    }
    if (sum_packet(skb, level, 0, to)) return 1;
    return fold((__u64)s->sum_result + outer + (__u16)inner) == 0xffff;
}

// Takes the outer headers off a packet that came in by an underlay.
__noinline int take_tunnel(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kNotTaken;
    __u32 ip[5];
    __u16 udp[4] = {};
    if (skb->protocol != bpf_htons(kTypeIpv4) || skb->vlan_present ||
        bpf_skb_load_bytes(skb, kEthernetHeader, ip, kIpHeader))
        return kNotTaken;
    __u32 first = bpf_ntohl(ip[0]), third = bpf_ntohl(ip[2]);
    __u8 protocol = third >> 16;
    if (first >> 24 != 0x45 || bpf_ntohl(ip[1]) & 0x3fff || (first & 0xffff) + kEthernetHeader != skb->len ||
        (protocol != kProtocolUdp && protocol != kProtocolGre) ||
        !bpf_map_lookup_elem(&local_addresses, &ip[4]))
        return kNotTaken;
    if (protocol == kProtocolUdp && bpf_skb_load_bytes(skb, kEthernetHeader + kIpHeader, udp, 8))
        return kNotTaken;
    __u32 selector = WEFT_TUNNEL_SELECTOR(protocol, udp[1]);
    __u32* found = bpf_map_lookup_elem(&tunnel_ports, &selector);
    if (!found) return kNotTaken;
    __u32 number = *found;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    struct PortCounters* counters = counters_of_port(number);
    if (!port || port->kind != kPortTunnel || !counters ||
        fold((__u64)ip[0] + ip[1] + ip[2] + ip[3] + ip[4]) != 0xffff)
        return kNotTaken;

    struct Key* k = &s->key;
    s->in_port = number;
    k->in_port = bpf_htonl(number);
    k->tun_src = ip[3];
    k->tun_dst = ip[4];
    k->tun_tos = first >> 16;
    k->tun_ttl = third >> 24;
    k->tun_tp_src = udp[0];
    k->tun_tp_dst = udp[1];
    __u32 end = 0;
    if (read_tunnel(skb, s, port->tunnel, &end) != kTaken) return kNotTaken;
    if (skb->len < end + kEthernetHeader) return kNotTaken;

    int verify = 0;
    __u16 outer = 0;
    __s64 verified = bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY);
    if (udp[3] && verified < 0) {
        outer = outer_pseudo_sum(ip[3], ip[4], bpf_ntohs(udp[2]));
        // Left to whoever comes next, with its place outside of what remains: the sockets know what to do.
        if (outer == udp[3]) return kNotTaken;
        if (sum_packet(skb, level, kEthernetHeader + kIpHeader, end)) return kNotTaken;
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
    if (ethernet[6] == bpf_htons(kTypeIpv6)) how |= WEFT_DECAP_L3_IPV6;
    if (bpf_skb_adjust_room(skb, -(__s32)cut, BPF_ADJ_ROOM_MAC, how)) return kNotTaken;
    if (bpf_skb_store_bytes(skb, 0, ethernet, kEthernetHeader, 0)) return kDamaged;
    if (tag_type) {
        if (bpf_skb_vlan_push(skb, tag_type, bpf_ntohs(tag))) return kDamaged;
        outer = fold((__u64)outer + tag_type + tag);  // in what was summed, but no longer in the packet
    }
    s->from_tunnel = 1;
    counters->rx_packets++;
    counters->rx_bytes += packet_bytes(skb);
    if (verify && !outer_sum_right(skb, s, level, outer, parse(skb, level))) {
        count_drop(kDropBadChecksum);
        return kDamaged;
    }
    if (port->watched) return kWatched;
    return kTaken;
}
