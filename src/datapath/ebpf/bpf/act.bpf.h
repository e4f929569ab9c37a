// Carrying out actions: one function for one action, called in a loop.
//
// Helpers do the work, since they know what the kernel knows of a packet's checksum (none, verified,
// complete, partial) and keep super-packets whole.  Headers are changed only where the packet has them, as
// userspace/executor.cc does.

#pragma once

#include "conntrack.bpf.h"
#include "memory.bpf.h"
#include "meter.bpf.h"
#include "parse.bpf.h"
#include "sum.bpf.h"
#include "tunnel.bpf.h"

static __always_inline void masked_store(struct __sk_buff* skb, __u32 offset, const __u8* data, __u64 flags) {
    __u32 now[4];
    const __u32* value = (const __u32*)data;
    const __u32* mask = value + 4;
    if (bpf_skb_load_bytes(skb, offset, now, 16)) return;
#pragma unroll
    for (int i = 0; i < 4; i++) now[i] = BLEND(now[i], value[i], mask[i]);
    bpf_skb_store_bytes(skb, offset, now, 16, flags);
}

static __always_inline void set_ethernet(struct __sk_buff* skb, const struct FlowAction* a) {
    __u32 now[3];
    const __u32* value = (const __u32*)a->data;
    const __u32* mask = value + 3;
    if (bpf_skb_load_bytes(skb, 0, now, 12)) return;
#pragma unroll
    for (int i = 0; i < 3; i++) now[i] = BLEND(now[i], value[i], mask[i]);
    bpf_skb_store_bytes(skb, 0, now, 12, 0);
}

static __always_inline void set_ipv4(struct __sk_buff* skb, struct Scratch* s, const struct FlowAction* a) {
    if (s->key.dl_type != bpf_htons(kTypeIpv4) || !s->l4) return;
    const struct SetIpv4Data* d = (const struct SetIpv4Data*)a->data;
    __u32 ip[5];
    if (bpf_skb_load_bytes(skb, s->l3, ip, 20)) return;
    __u32 check = transport_checksum(s);
#pragma unroll
    for (int i = 0; i < 2; i++) {
        __u32 before = ip[3 + i];
        __u32 after = i ? BLEND(before, d->dst, d->dst_mask) : BLEND(before, d->src, d->src_mask);
        if (before == after) continue;
        if (check) bpf_l4_csum_replace(skb, check, before, after, BPF_F_PSEUDO_HDR | udp_flag(s) | 4);
        bpf_l3_csum_replace(skb, s->l3 + 10, before, after, 4);
        bpf_skb_store_bytes(skb, s->l3 + 12 + 4 * i, &after, 4, 0);
    }
    // Version, header length and type of service; time to live and protocol.
    __u16 first = (__u16)ip[0], third = (__u16)ip[2];
    __u16 first_after = BLEND(first, bpf_htons(d->tos), bpf_htons(d->tos_mask));
    __u16 third_after = BLEND(third, bpf_htons(d->ttl << 8), bpf_htons(d->ttl_mask << 8));
    if (first != first_after) {
        bpf_l3_csum_replace(skb, s->l3 + 10, first, first_after, 2);
        bpf_skb_store_bytes(skb, s->l3, &first_after, 2, 0);
    }
    if (third != third_after) {
        bpf_l3_csum_replace(skb, s->l3 + 10, third, third_after, 2);
        bpf_skb_store_bytes(skb, s->l3 + 8, &third_after, 2, 0);
    }
}

static __always_inline void set_ipv6_address(struct __sk_buff* skb, struct Scratch* s,
                                             const struct FlowAction* a, __u32 offset) {
    if (s->key.dl_type != bpf_htons(kTypeIpv6) || !s->l4) return;
    __u32 now[4], after[4];
    const __u32* value = (const __u32*)a->data;
    const __u32* mask = value + 4;
    if (bpf_skb_load_bytes(skb, s->l3 + offset, now, 16)) return;
    __u32 check = transport_checksum(s);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        after[i] = BLEND(now[i], value[i], mask[i]);
        if (check && after[i] != now[i])
            bpf_l4_csum_replace(skb, check, now[i], after[i], BPF_F_PSEUDO_HDR | udp_flag(s) | 4);
    }
    bpf_skb_store_bytes(skb, s->l3 + offset, after, 16, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void set_ipv6_misc(struct __sk_buff* skb, struct Scratch* s,
                                          const struct FlowAction* a) {
    if (s->key.dl_type != bpf_htons(kTypeIpv6) || !s->l4) return;
    const struct SetIpv6MiscData* d = (const struct SetIpv6MiscData*)a->data;
    __u32 now[2];
    if (bpf_skb_load_bytes(skb, s->l3, now, 8)) return;
    now[0] = BLEND(now[0], d->first, d->first_mask);
    __u8* hop_limit = (__u8*)now + 7;
    *hop_limit = BLEND(*hop_limit, d->hop_limit, d->hop_limit_mask);
    bpf_skb_store_bytes(skb, s->l3, now, 8, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline void set_ports(struct __sk_buff* skb, struct Scratch* s, const struct FlowAction* a) {
    if (s->key.nw_proto != a->small || !s->payload) return;
    __u32 check = transport_checksum(s);
    if (!check) return;
    const struct SetPortsData* d = (const struct SetPortsData*)a->data;
    __u16 now[2];
    if (bpf_skb_load_bytes(skb, s->l4, now, 4)) return;
    __u16 src = BLEND(now[0], d->src, d->src_mask), dst = BLEND(now[1], d->dst, d->dst_mask);
    if (src != now[0]) bpf_l4_csum_replace(skb, check, now[0], src, udp_flag(s) | 2);
    if (dst != now[1]) bpf_l4_csum_replace(skb, check, now[1], dst, udp_flag(s) | 2);
    now[0] = src;
    now[1] = dst;
    bpf_skb_store_bytes(skb, s->l4, now, 4, 0);
}

static __always_inline void set_icmp(struct __sk_buff* skb, struct Scratch* s, const struct FlowAction* a) {
    if (s->key.nw_proto != a->small || !s->payload) return;
    __u16 now;
    if (bpf_skb_load_bytes(skb, s->l4, &now, 2)) return;
    const __u16* data = (const __u16*)a->data;
    __u16 after = BLEND(now, data[0], data[1]);
    if (now == after) return;
    bpf_l4_csum_replace(skb, s->l4 + 2, now, after, 2);
    bpf_skb_store_bytes(skb, s->l4, &after, 2, 0);
}

static __always_inline void set_arp(struct __sk_buff* skb, struct Scratch* s, const struct FlowAction* a) {
    if (s->key.dl_type != bpf_htons(kTypeArp) && s->key.dl_type != bpf_htons(kTypeRarp)) return;
    if (!s->l3 || s->l3 + 28 > skb->len) return;
    masked_store(skb, s->l3 + a->small, a->data, 0);
}

static __always_inline __u32 mix32(__u32 hash, __u32 value) {
    __u64 product = ((__u64)hash ^ value ^ 0x9e3779b9u) * 0x9ddfea08eb382d69ull;
    return (__u32)(product ^ (product >> 32));
}
static __always_inline __u32 be32_in(const __u8* p) {
    return bpf_ntohl(*(const __u32*)p);
}
static __always_inline __u32 mix_ipv6(__u32 hash, const __u8* address) {
#pragma unroll
    for (int i = 0; i < 16; i += 4) hash = mix32(hash, be32_in(address + i));
    return hash;
}
static __always_inline __u32 mix_ethernet(__u32 hash, const __u8* address) {
    return mix32(mix32(hash, (__u32)address[0] << 24 | address[1] << 16 | address[2] << 8 | address[3]),
                 (__u32)address[4] << 8 | address[5]);
}
// packet::flow_hash() and flow_hash_symmetric().
static __always_inline __u32 flow_hash(const struct Key* k, __u32 basis, int symmetric) {
    __u32 hash = mix32(basis, bpf_ntohs(k->dl_type));
    __u32 src = bpf_ntohs(k->tp_src), dst = bpf_ntohs(k->tp_dst);
    if (k->dl_type == bpf_htons(kTypeIpv4)) {
        if (symmetric)
            hash = mix32(hash, be32_in(k->nw_src) ^ be32_in(k->nw_dst));
        else
            hash = mix32(mix32(hash, be32_in(k->nw_src)), be32_in(k->nw_dst));
    } else if (k->dl_type == bpf_htons(kTypeIpv6)) {
        if (symmetric)
            hash = mix32(hash, mix_ipv6(0, k->nw_src) ^ mix_ipv6(0, k->nw_dst));
        else
            hash = mix_ipv6(mix_ipv6(hash, k->nw_src), k->nw_dst);
    } else {
        if (symmetric)
            hash = mix32(hash, mix_ethernet(0, k->dl_src) ^ mix_ethernet(0, k->dl_dst));
        else
            hash = mix_ethernet(mix_ethernet(hash, k->dl_src), k->dl_dst);
    }
    hash = mix32(mix32(hash, k->nw_proto), symmetric ? src ^ dst : src << 16 | dst);
    return hash ? hash : 1;
}

static __always_inline int output(struct __sk_buff* skb, struct Scratch* s, __u32 number, int last) {
    int result = last ? kDone : kNext;
    struct PortEntry* port = bpf_map_lookup_elem(&ports, &number);
    if (!port || port->kind == kPortNone) {
        count_drop(kDropNoSuchPort);
        return result;
    }
    struct PortCounters* counters = counters_of_port(number);
    if (!counters) return result;
    __u32 ifindex = port->ifindex;
    __u64 flags = port->kind == kPortInternal ? BPF_F_INGRESS : 0;
    if (!flags) {
        __u32 mtu = 0;
        if (bpf_check_mtu(skb, ifindex, &mtu, 0, 0) == BPF_MTU_CHK_RET_FRAG_NEEDED) {
            counters->tx_dropped++;
            count_drop(kDropTooBig);
            return result;
        }
    }
    counters->tx_packets++;
    counters->tx_bytes += packet_bytes(skb);
    if (last) {
        s->verdict = bpf_redirect(ifindex, flags);
        return kDone;
    }
    if (bpf_clone_redirect(skb, ifindex, flags)) {
        counters->tx_dropped++;
        count_drop(kDropTransmitError);
    }
    return kNext;
}

// Sends a copy of the packet out of the device whose program, weft_copy, goes on with it at once.
static __always_inline int send_copy(struct __sk_buff* skb, struct Scratch* s, __u8 what) {
    struct Config* c = config_of();
    if (!c) return kDone;
    s->copying = what;
    // Whatever it returns: what has become of a copy that was taken is counted.
    bpf_clone_redirect(skb, c->copy_ifindex, 0);
    if (*(volatile __u8*)&s->copying) {
        s->copying = 0;
        count_drop(kDropTransmitError);
    }
    return kNext;
}
static __always_inline int go_on_at(struct Scratch* s, __u32 place) {
    s->slot = place / kSlotActions;
    s->pc = place % kSlotActions;
    return kNext;
}

// The packet's first `length` bytes, tag included.  A checksum that is still to be filled in would be of what
// is left then: such packets are the daemon's.
static __always_inline int truncate(struct __sk_buff* skb, struct Scratch* s, __u32 length) {
    __u32 tag = skb->vlan_present ? kTag : 0;
    if (length >= skb->len + tag) return kNext;
    __u32 check = transport_checksum(s);
    __u16 field;
    if (check) {
        if (bpf_skb_load_bytes(skb, check, &field, 2) || field == pseudo_sum(s)) return kHandUp;
    } else if (s->key.dl_type != bpf_htons(kTypeArp) &&
               (s->key.dl_type != bpf_htons(kTypeIpv4) || s->key.nw_proto != kProtocolIcmp)) {
        return kHandUp;
    }
    if (skb->gso_size || length < kEthernetHeader + tag || bpf_skb_change_tail(skb, length - tag, 0))
        return kHandUp;
    return kNext;
}

// Ethernet frame to the end of the IP packet, tags included.
static __always_inline __u32 length_without_padding(struct __sk_buff* skb, const struct Scratch* s) {
    return (s->l3_end ? s->l3_end : skb->len) + (skb->vlan_present ? 4 : 0);
}

// The action at scratch.pc of scratch.slot.  kNext, kDone, kLookAgain, kUserspace or
// kHandUp.
__noinline int act(struct __sk_buff* skb, __u32 level) {
    struct Scratch* s = scratch_of(level);
    if (!s) return kDone;
    __u32 slot = s->slot;
    struct FlowSlot* flow = bpf_map_lookup_elem(&flows, &slot);
    __u32 pc = s->pc;
    if (!flow || pc >= kSlotActions) return kDone;
    const struct FlowAction* a = &flow->actions[pc];
    __u32 kind = a->kind;
    s->pc = pc + 1;
    if ((s->stale & kLayoutStale && kind >= kActionSetIpv4 && kind <= kActionConntrack) ||
        (s->stale && kind >= kActionHash && kind <= kActionConntrack)) {
        // Never fails: encode.cc sees to it that what the programs make of a packet they can look at.
        if (parse(skb, level) != kNext) return kDone;
    }
    switch (kind) {
        case kActionOutput:
            return output(skb, s, a->argument, 0);
        case kActionOutputLast:
            return output(skb, s, a->argument, 1);
        case kActionTunnelOutput:
            s->at = a->small;
            return push_tunnel(skb, level, a->argument, 0);
        case kActionTunnelOutputCopy:
            // What this one cannot be sent by, the next ones cannot either.
            s->at = a->small;
            if (push_tunnel(skb, level, a->argument, 1) != kNext) return kHandUp;
            s->at = a->small + 1;
            s->copy_port = a->argument;
            return send_copy(skb, s, kCopyTunnelOutput);
        case kActionConntrack:
            return track(skb, level);
        case kActionExpectLabel: {
            const __u32* d = (const __u32*)a->data;
#pragma unroll
            for (int i = 0; i < 8; i++) s->label[i] = d[i];
            return kNext;
        }
        case kActionSetTunnel:
            set_tunnel(s, a);
            return kNext;
        case kActionSetTunnelIpv6:
            set_tunnel_ipv6(s, a);
            return kNext;
        case kActionCopy:
            if (send_copy(skb, s, kCopyActions) != kNext) return kDone;
            return go_on_at(s, a->argument);
        case kActionSample:
            if (*(const __u32*)a->data == 0xffffffff || bpf_get_prandom_u32() < *(const __u32*)a->data)
                return kNext;
            return go_on_at(s, a->argument);
        case kActionMeter:
            s->at = a->small;
            return meter(skb, a->argument);
        case kActionTruncate:
            s->at = a->small;
            return truncate(skb, s, a->argument);
        case kActionHandUp:
            s->at = a->small;
            s->telling = 1;
            return kHandUp;
        case kActionDrop:
            count_drop(a->argument);
            return kDone;
        case kActionToUserspace:
            return kUserspace;
        case kActionContinue:
            s->slot = a->argument;
            s->pc = 0;
            return kNext;
        case kActionRecirculate:
            s->key.recirc_id = bpf_htonl(a->argument);
            if (++s->depth > kMaxRecirculations) {
                count_drop(kDropRecursionTooDeep);
                return kDone;
            }
            return kLookAgain;
        case kActionSetEthernet:
            set_ethernet(skb, a);
            break;
        case kActionSetIpv4:
            set_ipv4(skb, s, a);
            break;
        case kActionSetIpv6Src:
            set_ipv6_address(skb, s, a, 8);
            break;
        case kActionSetIpv6Dst:
            set_ipv6_address(skb, s, a, 24);
            break;
        case kActionSetIpv6Misc:
            set_ipv6_misc(skb, s, a);
            break;
        case kActionSetPorts:
            set_ports(skb, s, a);
            break;
        case kActionSetIcmp:
            set_icmp(skb, s, a);
            break;
        case kActionSetArp:
            set_arp(skb, s, a);
            break;
        case kActionSetMark: {
            const __u32* d = (const __u32*)a->data;
            s->key.pkt_mark = BLEND(s->key.pkt_mark, d[0], d[1]);
            return kNext;
        }
        case kActionSetPriority: {
            const __u32* d = (const __u32*)a->data;
            s->key.skb_priority = BLEND(s->key.skb_priority, d[0], d[1]);
            // The queue's class of the device's discipline, as netdev/qos.h has it.
            __u32 queue = bpf_ntohl(s->key.skb_priority);
            skb->priority = queue ? 0x10000 | ((queue + 1) & 0xffff) : 0;
            return kNext;
        }
        case kActionPushVlan:
            bpf_skb_vlan_push(skb, bpf_htons(a->small), a->argument & ~kCfi);
            s->stale |= kLayoutStale;
            return kNext;
        case kActionPopVlan:
            bpf_skb_vlan_pop(skb);
            s->stale |= kLayoutStale;
            return kNext;
        case kActionHash:
            s->key.dp_hash = bpf_htonl(flow_hash(&s->key, a->argument, a->small));
            return kNext;
        case kActionClearConntrack: {
            struct Key* k = &s->key;
            k->ct_state = k->ct_mark = 0;
            k->ct_zone = 0;
            k->ct_nw_proto = 0;
            *(__u64*)k->ct_label = *(__u64*)(k->ct_label + 8) = 0;
            k->ct_nw_src = k->ct_nw_dst = 0;
            k->ct_tp_src = k->ct_tp_dst = 0;
            *(__u64*)s->ct_ipv6_src = *(__u64*)(s->ct_ipv6_src + 8) = 0;
            *(__u64*)s->ct_ipv6_dst = *(__u64*)(s->ct_ipv6_dst + 8) = 0;
            return kNext;
        }
        case kActionCheckLength:
            if (length_without_padding(skb, s) <= a->small) return go_on_at(s, a->argument);
            return kNext;
        default:  // kActionEnd
            return kDone;
    }
    s->stale |= kFieldsStale;
    return kNext;
}
