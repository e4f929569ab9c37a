#include "datapath/api/commit.h"

#include <cassert>
#include <cstring>

#include "datapath/api/set_fields.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv4.h"
#include "packet/mpls.h"

namespace weft::datapath {

namespace {

using packet::Flow;

// The fields of one set action that differ.
class Difference {
  public:
    Difference(Flow& from, const Flow& to, Flow& megaflow) : from_(from), to_(to), megaflow_(megaflow) {}

    template <typename T>
    Difference& field(T Flow::*member) {
        return part(&(from_.*member), &(to_.*member), &(megaflow_.*member), &(mask_.*member), sizeof(T));
    }
    // An element of an array field.
    template <typename A>
    Difference& element(A Flow::*member, size_t index) {
        return part(&(from_.*member)[index], &(to_.*member)[index], &(megaflow_.*member)[index],
                    &(mask_.*member)[index], sizeof(from_.*member)[index]);
    }
    // A member of a field.
    template <typename S, typename T>
    Difference& part_of(S Flow::*member, T S::*inner) {
        return part(&(from_.*member.*inner), &(to_.*member.*inner), &(megaflow_.*member.*inner),
                    &(mask_.*member.*inner), sizeof(T));
    }
    // A field that is written whole if anything is, and decides then.
    template <typename T>
    Difference& whole(T Flow::*member) {
        if (!any_) return *this;
        std::memset(&(mask_.*member), 0xff, sizeof(T));
        std::memset(&(megaflow_.*member), 0xff, sizeof(T));
        return *this;
    }
    // Writes of a member what decided, besides what differs.
    template <typename S, typename T>
    Difference& decided(S Flow::*member, T S::*inner) {
        mask_.*member.*inner = megaflow_.*member.*inner;
        return *this;
    }
    void append(Actions& actions, std::string_view group) {
        if (!any_) return;
        Flow value = to_;
        for (size_t i = 0; i < packet::kFlowWords; i++) packet::words(value)[i] &= packet::words(mask_)[i];
        auto action = set_from_flow(group, value, mask_);
        assert(action);
        actions.push_back(std::move(*action));
    }

  private:
    Difference& part(void* from, const void* to, void* megaflow, void* mask, size_t size) {
        if (std::memcmp(from, to, size) == 0) return *this;
        auto *f = static_cast<uint8_t*>(from), *g = static_cast<uint8_t*>(megaflow),
             *m = static_cast<uint8_t*>(mask);
        auto* t = static_cast<const uint8_t*>(to);
        bool marked = false;
        for (size_t i = 0; i < size; i++) marked |= g[i] != 0;
        for (size_t i = 0; i < size; i++) m[i] = g[i] = marked ? g[i] | (f[i] ^ t[i]) : 0xff;
        std::memcpy(from, to, size);
        any_ = true;
        return *this;
    }

    Flow& from_;
    const Flow& to_;
    Flow& megaflow_;
    Flow mask_ = packet::zero_flow();
    bool any_ = false;
};

void ethernet(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    if (from.packet_type != to.packet_type) {
        mask.packet_type = UINT32_MAX;
        if (to.packet_type == 0) {
            actions.push_back(PushEth{to.dl_src, to.dl_dst});
            from.dl_src = to.dl_src;
            from.dl_dst = to.dl_dst;
        } else {
            actions.push_back(PopEth{});
            from.vlans = {};  // tags go with it
        }
        from.packet_type = to.packet_type;
        return;
    }
    if (to.packet_type != 0) return;
    Difference(from, to, mask).field(&Flow::dl_src).field(&Flow::dl_dst).append(actions, "eth");
}

size_t tags(const Flow& flow) {
    size_t count = 0;
    while (count < packet::kMaxVlans && flow.vlans[count].tci & packet::kVlanCfi) count++;
    return count;
}

// A tag that was written into a packet without one names no type.
uint16_t type_of(const packet::Vlan& tag) {
    return tag.tpid ? uint16_t{tag.tpid} : packet::ethernet::kVlan;
}

bool same(const packet::Vlan& a, const packet::Vlan& b) {
    return a.tci == b.tci && type_of(a) == type_of(b);
}

// Pops down to the innermost tags that both have, then pushes.
void vlans(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    if (to.packet_type != 0) return;
    size_t have = tags(from), want = tags(to), common = 0;
    while (common < have && common < want && same(from.vlans[have - 1 - common], to.vlans[want - 1 - common]))
        common++;
    // A tag that takes another's place may have taken over bits of it, which are written into the action.
    bool replaces = have > common && want > common;
    for (size_t i = 0; i < have - common; i++) {
        actions.push_back(PopVlan{});
        mask.vlans[i].tci = mask.vlans[i].tci | packet::kVlanCfi;
        mask.vlans[i].tpid = 0xffff;
    }
    if (replaces) {
        for (size_t i = 0; i < have; i++) mask.vlans[i].tci = 0xffff;
    }
    for (size_t i = want - common; i > 0; i--) {
        actions.push_back(PushVlan{type_of(to.vlans[i - 1]), to.vlans[i - 1].tci});
    }
    from.vlans = to.vlans;
}

size_t labels(const Flow& flow) {
    if (!packet::ethernet::is_mpls(flow.dl_type)) return 0;
    for (size_t i = 0; i < packet::kMaxMplsLabels; i++) {
        if (flow.mpls_lse[i] & packet::mpls::kBottom) return i + 1;
    }
    return packet::kMaxMplsLabels;
}

void mpls(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    size_t have = labels(from), want = labels(to);
    auto same_below = [&](size_t kept) {  // the innermost `kept` labels agree
        for (size_t i = 1; i <= kept; i++) {
            if (from.mpls_lse[have - i] != to.mpls_lse[want - i]) return false;
        }
        return true;
    };
    size_t kept = std::min(have, want);
    while (kept && !same_below(kept)) kept--;
    for (size_t i = have; i > kept; i--) {
        uint32_t top = static_cast<uint32_t>(have - i);
        if (i == kept + 1 && want > kept) {  // the last one may become another; all of it is written
            mask.mpls_lse[top] = ~0u;
            actions.push_back(Set<MplsKey>{{to.mpls_lse[want - i]}, {~0u}});
            kept++;
            break;
        }
        mask.mpls_lse[top] = mask.mpls_lse[top] | packet::mpls::kBottom;
        actions.push_back(PopMpls{i > kept + 1 ? from.dl_type : to.dl_type});
    }
    for (size_t i = want - kept; i > 0; i--) actions.push_back(PushMpls{to.mpls_lse[i - 1], to.dl_type});
    from.mpls_lse = to.mpls_lse;
    from.dl_type = to.dl_type;
}

void layer4(Flow& from, const Flow& to, Actions& actions, Flow& mask, bool v6) {
    if (to.nw_frag & packet::kFragLater) return;
    Difference ports(from, to, mask);
    switch (to.nw_proto) {
        case packet::protocol::kTcp:
            ports.field(&Flow::tp_src).field(&Flow::tp_dst).append(actions, "tcp");
            break;
        case packet::protocol::kUdp:
            ports.field(&Flow::tp_src).field(&Flow::tp_dst).append(actions, "udp");
            break;
        case packet::protocol::kSctp:
            ports.field(&Flow::tp_src).field(&Flow::tp_dst).append(actions, "sctp");
            break;
        case packet::protocol::kIcmp:
            // Type and code go together, as by Open vSwitch.
            if (v6) break;
            ports.field(&Flow::tp_src).field(&Flow::tp_dst).whole(&Flow::tp_src).whole(&Flow::tp_dst);
            ports.append(actions, "icmp");
            break;
        case packet::protocol::kIcmpv6: {
            if (!v6) break;
            uint16_t before = from.tp_src;
            ports.field(&Flow::tp_src).field(&Flow::tp_dst).whole(&Flow::tp_src).whole(&Flow::tp_dst);
            ports.append(actions, "icmpv6");
            bool discovery = before == packet::icmpv6::kNeighbourSolicitation ||
                             before == packet::icmpv6::kNeighbourAdvertisement;
            if (!discovery) break;
            // The options' type first: it says which addresses there are.
            Difference(from, to, mask)
                .field(&Flow::nd_reserved)
                .field(&Flow::nd_options_type)
                .append(actions, "nd_ext");
            Difference(from, to, mask)
                .field(&Flow::nd_target)
                .field(&Flow::arp_sha)
                .field(&Flow::arp_tha)
                .append(actions, "nd");
            break;
        }
        default:
            break;
    }
}

// All of the header that decided is written with what differs, as by Open vSwitch.
void nsh(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    Difference header(from, to, mask);
    header.part_of(&Flow::nsh, &packet::Nsh::flags).part_of(&Flow::nsh, &packet::Nsh::ttl);
    header.part_of(&Flow::nsh, &packet::Nsh::path_hdr);
    if (to.nsh.mdtype == 1) header.part_of(&Flow::nsh, &packet::Nsh::context);
    header.decided(&Flow::nsh, &packet::Nsh::flags).decided(&Flow::nsh, &packet::Nsh::ttl);
    header.decided(&Flow::nsh, &packet::Nsh::path_hdr).decided(&Flow::nsh, &packet::Nsh::context);
    header.append(actions, "nsh");
}

void layer3(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    if (from.dl_type != to.dl_type) return;
    switch (to.dl_type) {
        case packet::ethernet::kIpv4:
            Difference(from, to, mask)
                .field(&Flow::nw_src)
                .field(&Flow::nw_dst)
                .field(&Flow::nw_tos)
                .field(&Flow::nw_ttl)
                .append(actions, "ipv4");
            layer4(from, to, actions, mask, false);
            break;
        case packet::ethernet::kIpv6:
            Difference(from, to, mask)
                .field(&Flow::ipv6_src)
                .field(&Flow::ipv6_dst)
                .field(&Flow::ipv6_label)
                .field(&Flow::nw_tos)
                .field(&Flow::nw_ttl)
                .append(actions, "ipv6");
            mask.ipv6_label &= 0xfffff;
            layer4(from, to, actions, mask, true);
            break;
        case packet::ethernet::kArp:
        case packet::ethernet::kRarp:
            Difference(from, to, mask)
                .field(&Flow::nw_src)
                .field(&Flow::nw_dst)
                .field(&Flow::nw_proto)
                .field(&Flow::arp_sha)
                .field(&Flow::arp_tha)
                .append(actions, "arp");
            break;
        case packet::ethernet::kNsh:
            nsh(from, to, actions, mask);
            break;
        default:
            break;
    }
}

}  // namespace

void compose_difference(Flow& from, const Flow& to, Actions& actions, Flow& mask) {
    ethernet(from, to, actions, mask);
    layer3(from, to, actions, mask);
    mpls(from, to, actions, mask);
    vlans(from, to, actions, mask);
    Difference(from, to, mask).field(&Flow::skb_priority).append(actions, "skb_priority");
    Difference(from, to, mask).field(&Flow::pkt_mark).append(actions, "skb_mark");
}

SetTunnel tunnel_action(const packet::Tunnel& tunnel) {
    return tunnel_from_key(tunnel);
}

}  // namespace weft::datapath
