#include "datapath/userspace/executor.h"

#include "datapath/api/set_fields.h"
#include "datapath/userspace/bond_table.h"
#include "datapath/userspace/forwarding.h"
#include "datapath/userspace/meter_table.h"
#include "datapath/userspace/outer_headers.h"
#include "datapath/userspace/tunnel_header.h"
#include "packet/arp.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv4.h"
#include "packet/mpls.h"
#include "packet/nsh.h"
#include "packet/rewrite.h"
#include "packet/segment.h"

namespace weft::datapath {

namespace {

using explain::DropReason;
using packet::Flow;

constexpr int kMaxNesting = 32;

// value where mask says so, else what was there; over the bytes of a field.
template <typename T>
void blend(T& field, const T& value, const T& mask) {
    auto* f = reinterpret_cast<uint8_t*>(&field);
    auto* v = reinterpret_cast<const uint8_t*>(&value);
    auto* m = reinterpret_cast<const uint8_t*>(&mask);
    for (size_t i = 0; i < sizeof(T); i++) f[i] = static_cast<uint8_t>((f[i] & ~m[i]) | (v[i] & m[i]));
}

constexpr uint16_t kBridgedEthernet = 0x6558;  // RFC 1701

bool bare_mpls(const Work& work) {
    uint32_t type = work.key.packet_type;
    return type >> 16 == 1 && packet::ethernet::is_mpls(static_cast<uint16_t>(type));
}

// Takes the service header off; the type of what was below, if that is known.
std::optional<uint32_t> pop_nsh_type(Work& work) {
    if (work.key.packet_type != (1u << 16 | packet::ethernet::kNsh)) return std::nullopt;
    auto next = pop_nsh(work.packet, work.layout);
    if (!next) return std::nullopt;
    switch (*next) {
        case packet::nsh::kEthernet:
            return 0;
        case packet::nsh::kIpv4:
            return 1u << 16 | packet::ethernet::kIpv4;
        case packet::nsh::kIpv6:
            return 1u << 16 | packet::ethernet::kIpv6;
        case packet::nsh::kNsh:
            return 1u << 16 | packet::ethernet::kNsh;
        default:
            return std::nullopt;
    }
}

bool is_icmp(const Flow& key, bool v6) {
    return key.dl_type == (v6 ? packet::ethernet::kIpv6 : packet::ethernet::kIpv4) &&
           key.nw_proto == (v6 ? packet::protocol::kIcmpv6 : packet::protocol::kIcmp);
}
bool is_neighbour_discovery(const Flow& key) {
    return is_icmp(key, true) && (key.tp_src == packet::icmpv6::kNeighbourSolicitation ||
                                  key.tp_src == packet::icmpv6::kNeighbourAdvertisement);
}

// Length as check_pkt_len counts: with VLAN tags, without the padding behind the IP packet.
size_t length_without_padding(Work& work) {
    work.refresh();
    return work.layout.l3_end ? work.layout.l3_end : work.packet.size();
}

}  // namespace

void Executor::run(Work&& work, const Actions& actions, int64_t now_ms) {
    now_ms_ = now_ms;
    run_list(std::move(work), actions, actions);
}

void Executor::go_on(Work&& work, std::span<const Action> rest, const Actions& all, int64_t now_ms) {
    now_ms_ = now_ms;
    run_list(std::move(work), rest, all);
}

void Executor::run_list(Work&& work, std::span<const Action> actions, const Actions& all) {
    if (actions.empty()) return sink_.dropped(DropReason::kNoActions);
    if (nesting_ >= kMaxNesting) return sink_.dropped(DropReason::kRecursionTooDeep);
    nesting_++;
    for (size_t i = 0; i < actions.size(); i++) {
        auto* ct = actions[i].get_if<Conntrack>();
        auto* push = actions[i].get_if<PushTunnel>();
        Step step = ct     ? track(work, *ct, actions.subspan(i + 1), all)
                    : push ? push_tunnel(work, *push, actions.subspan(i + 1), all)
                           : one(work, actions[i], i + 1 == actions.size(), all);
        if (step == Step::kEnd) break;
    }
    nesting_--;
}

Executor::Step Executor::one(Work& work, const Action& action, bool last, const Actions& all) {
    auto pass = [&] { return last ? std::move(work) : Work(work); };
    if (auto* a = action.get_if<Output>()) {
        output(work, a->port, last);
        return Step::kNext;
    }
    if (!set_group(action).empty()) return set(work, action);
    if (auto* a = action.get_if<SetTunnel>()) {
        tunnel_to_key(*a, work.key.tunnel);
        work.tunnel_set = true;
    } else if (auto* a = action.get_if<Recirculate>()) {
        Work again = pass();
        again.key.recirc_id = a->id;
        again.depth++;
        again.pushed_tags = 0;
        sink_.recirculate(std::move(again));
    } else if (auto* a = action.get_if<Userspace>()) {
        Work up = pass();
        work.truncate = 0;
        up.refresh();
        sink_.upcall(*a, std::move(up), all);
    } else if (auto* a = action.get_if<PushVlan>()) {
        work.locate();
        push_vlan(work.packet, work.layout, a->tpid, a->tci);
        work.pushed_tags++;
        work.stale = true;
    } else if (action.get_if<PopVlan>()) {
        work.locate();
        pop_vlan(work.packet, work.layout);
        if (work.pushed_tags) work.pushed_tags--;
        work.stale = true;
    } else if (auto* a = action.get_if<PushMpls>()) {
        work.locate();
        push_mpls(work.packet, work.layout, a->ethertype, a->lse);
        work.stale = true;
    } else if (auto* a = action.get_if<AddMpls>()) {
        packet::finish_checksum(work.packet);
        store_be32(work.packet.push_front(packet::mpls::kEntry), a->lse);
        work.key.packet_type = 1u << 16 | a->ethertype;
        work.stale = true;
    } else if (auto* a = action.get_if<PopMpls>(); a && bare_mpls(work)) {
        if (work.packet.size() < packet::mpls::kEntry) return Step::kNext;
        work.packet.pull_front(packet::mpls::kEntry);
        work.key.packet_type = a->ethertype == kBridgedEthernet ? 0u : 1u << 16 | a->ethertype;
        work.stale = true;
    } else if (auto* a = action.get_if<PopMpls>()) {
        work.refresh();
        pop_mpls(work.packet, work.layout, a->ethertype);
        work.stale = true;
    } else if (auto* a = action.get_if<PushEth>()) {
        work.refresh();
        uint16_t type =
            work.key.packet_type ? static_cast<uint16_t>(work.key.packet_type) : work.key.dl_type.get();
        push_eth(work.packet, work.layout, a->src, a->dst, type);
        work.key.packet_type = 0;
        work.stale = true;
    } else if (action.get_if<PopEth>()) {
        work.refresh();
        // The type as it stands there: a length stays one when a header is put on again.
        uint16_t type = load_be16(work.packet.data() + packet::ethernet::kType);
        if (pop_eth(work.packet, work.layout)) work.key.packet_type = 1u << 16 | type;
        work.stale = true;
    } else if (auto* a = action.get_if<PushNsh>()) {
        packet::Nsh header{};
        header.flags = a->flags;
        header.ttl = a->ttl;
        header.mdtype = a->mdtype;
        header.np = a->np;
        header.path_hdr = a->path_hdr;
        packet::finish_checksum(work.packet);  // what is below is no business of a device's
        push_nsh(work.packet, work.layout, header, a->metadata);
        work.key.packet_type = 1u << 16 | packet::ethernet::kNsh;
        work.stale = true;
    } else if (action.get_if<PopNsh>()) {
        work.refresh();
        auto type = pop_nsh_type(work);
        if (!type) {
            sink_.dropped(DropReason::kWrongPacketType);
            return Step::kEnd;
        }
        work.key.packet_type = *type;
        work.stale = true;
    } else if (auto* a = action.get_if<Hash>()) {
        work.refresh();
        work.key.dp_hash = a->algorithm == HashAlgorithm::kL4
                               ? packet::flow_hash(work.key, a->basis)
                               : packet::flow_hash_symmetric(work.key, a->basis);
    } else if (auto* a = action.get_if<Truncate>()) {
        work.truncate = a->max_length;
    } else if (auto* a = action.get_if<Clone>()) {
        run_list(pass(), a->actions, all);
    } else if (auto* a = action.get_if<Sample>()) {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 17;
        random_ ^= random_ << 5;
        if (a->probability == UINT32_MAX || random_ < a->probability) run_list(pass(), a->actions, all);
    } else if (auto* a = action.get_if<CheckPacketLength>()) {
        const Actions& chosen = length_without_padding(work) > a->length ? a->if_greater : a->if_not_greater;
        if (!chosen.empty()) run_list(pass(), chosen, all);
    } else if (auto* a = action.get_if<Meter>()) {
        if (!meters_.pass(a->id, work.packet.size(), now_ms_)) {
            sink_.dropped(DropReason::kMeter);
            return Step::kEnd;
        }
    } else if (auto* a = action.get_if<LbOutput>()) {
        work.refresh();
        PortNo port = bonds_.choose(a->bond, packet::flow_hash(work.key, 0), work.packet.size());
        if (port == kNoPort)
            sink_.dropped(DropReason::kNoSuchPort);
        else
            output(work, port, last);
    } else if (auto* a = action.get_if<PopTunnel>()) {
        pop_tunnel(pass(), a->port);
    } else if (auto* a = action.get_if<Drop>()) {
        sink_.dropped(a->reason);
        return Step::kEnd;
    } else if (action.get_if<ConntrackClear>()) {
        clear_connection_fields(work.key);
    }
    return Step::kNext;
}

void Executor::output(Work& work, PortNo port, bool last) {
    if (!last) {
        Work copy(work);
        work.truncate = 0;
        return output(copy, port, true);
    }
    if (work.truncate) {
        // A super-packet cannot be shortened as such: what is cut is the packet as one.
        if (work.truncate < work.packet.size()) {
            packet::finish_checksum(work.packet);
            work.packet.offload = {};
            work.packet.truncate(work.truncate);
        }
        work.truncate = 0;
    }
    sink_.output(port, std::move(work));
}

// `rest`: what follows, which each of several fragments goes through.
Executor::Step Executor::track(Work& work, const Conntrack& action, std::span<const Action> rest,
                               const Actions& all) {
    work.refresh();
    if (!connections_) {
        sink_.dropped(DropReason::kConntrackUnavailable);
        return Step::kEnd;
    }
    std::vector<packet::Packet> fragments;
    DropReason reason = DropReason::kConntrackInvalid;
    switch (connections_->track(work.packet, work.layout, work.key, action, now_ms_, fragments, reason)) {
        case Tracked::kGoOn:
            if (action.nat) work.stale = true;
            return Step::kNext;
        case Tracked::kHeld:
            return Step::kEnd;
        case Tracked::kDropped:
            sink_.dropped(reason);
            return Step::kEnd;
        case Tracked::kFragments:
            break;
    }
    if (rest.empty()) return Step::kEnd;
    work.packet = {};
    for (packet::Packet& fragment : fragments) {
        Work one = work;
        one.packet = std::move(fragment);
        one.stale = true;
        run_list(std::move(one), rest, all);
    }
    return Step::kEnd;
}

// A super-packet is cut first: each of its packets gets headers of its own and goes through `rest`.
Executor::Step Executor::push_tunnel(Work& work, const PushTunnel& action, std::span<const Action> rest,
                                     const Actions& all) {
    if (rest.empty()) return Step::kEnd;
    work.refresh();
    uint32_t hash = packet::flow_hash(work.key, 0);
    std::vector<packet::Packet> packets = packet::segment(std::move(work.packet), work.key.packet_type);
    if (work.truncate) {
        for (packet::Packet& one : packets) one.truncate(work.truncate);
    }
    work.packet = {};
    work.truncate = 0;
    clear_connection_fields(work.key);
    work.key.tunnel = packet::zero_flow().tunnel;
    work.key.packet_type = 0;
    work.tunnel_set = false;
    for (packet::Packet& packet : packets) {
        bool counts = action.type == PortType::kErspan || (action.header.flags & packet::kTunnelSequence);
        uint32_t sequence = counts ? sequences_.next(action.port) : 0;
        if (!push_outer_headers(packet, action, hash, sequence)) {
            sink_.dropped(DropReason::kTooBig);
            continue;
        }
        Work one = work;
        one.packet = std::move(packet);
        one.stale = true;
        run_list(std::move(one), rest, all);
    }
    return Step::kEnd;
}

void Executor::pop_tunnel(Work&& work, PortNo port) {
    packet::finish_checksum(work.packet);
    work.refresh();
    packet::Tunnel tunnel = packet::zero_flow().tunnel;
    auto bytes = read_outer_headers(work.packet.view(), work.layout, work.key, tunnel);
    auto receiver = bytes ? sink_.tunnel_receiver(port, *bytes) : std::nullopt;
    if (!receiver) return sink_.dropped(bytes ? DropReason::kNoSuchPort : DropReason::kTunnelMalformed);
    auto inner = read_tunnel_header(*bytes, receiver->second, tunnel);
    if (!inner) return sink_.dropped(DropReason::kTunnelMalformed);
    if (!inner->message) {
        ByteView bytes = inner->bytes;
        size_t end = static_cast<size_t>(bytes.data() - work.packet.data()) + bytes.size();
        work.packet.truncate(end);  // padding behind the outer packet
        work.packet.pull_front(end - bytes.size());
    }
    work.packet.offload = {};
    work.key = packet::zero_flow();
    work.key.packet_type = inner->packet_type;
    work.key.in_port = receiver->first;
    work.key.tunnel = tunnel;
    work.tunnel_set = false;
    work.truncate = 0;
    work.depth++;
    work.pushed_tags = 0;
    sink_.recirculate(std::move(work));
}

Executor::Step Executor::set(Work& work, const Action& action) {
    work.refresh_behind_tags();
    packet::Packet& packet = work.packet;
    Flow& key = work.key;
    const packet::Layout& layout = work.layout;
    if (auto* a = action.get_if<Set<EthernetKey>>()) {
        blend(key.dl_src, a->value.src, a->mask.src);
        blend(key.dl_dst, a->value.dst, a->mask.dst);
        if (key.packet_type == 0) set_eth(packet, key.dl_src, key.dl_dst);
    } else if (auto* a = action.get_if<Set<Ipv4Key>>()) {
        if (key.dl_type != packet::ethernet::kIpv4 || !layout.l4) return Step::kNext;
        blend(key.nw_src, Be32(a->value.src), Be32(a->mask.src));
        blend(key.nw_dst, Be32(a->value.dst), Be32(a->mask.dst));
        blend(key.nw_tos, a->value.tos, a->mask.tos);
        blend(key.nw_ttl, a->value.ttl, a->mask.ttl);
        set_ipv4(packet, layout, key.nw_src, key.nw_dst, key.nw_tos, key.nw_ttl);
    } else if (auto* a = action.get_if<Set<Ipv6Key>>()) {
        if (key.dl_type != packet::ethernet::kIpv6 || !layout.l4) return Step::kNext;
        blend(key.ipv6_src, a->value.src, a->mask.src);
        blend(key.ipv6_dst, a->value.dst, a->mask.dst);
        blend(key.ipv6_label, Be32(a->value.label), Be32(a->mask.label & 0xfffff));
        blend(key.nw_tos, a->value.tclass, a->mask.tclass);
        blend(key.nw_ttl, a->value.hlimit, a->mask.hlimit);
        set_ipv6(packet, layout, key.ipv6_src, key.ipv6_dst, key.ipv6_label, key.nw_tos, key.nw_ttl);
    } else if (auto* a = action.get_if<SetPorts>()) {
        if (key.nw_proto != static_cast<uint8_t>(a->transport) || !layout.payload) return Step::kNext;
        blend(key.tp_src, Be16(a->value.src), Be16(a->mask.src));
        blend(key.tp_dst, Be16(a->value.dst), Be16(a->mask.dst));
        set_ports(packet, layout, key.nw_proto, key.tp_src, key.tp_dst);
    } else if (auto* a = action.get_if<SetIcmp>()) {
        if (!is_icmp(key, a->v6) || !layout.payload) return Step::kNext;
        blend(key.tp_src, Be16(a->value.type), Be16(a->mask.type));
        blend(key.tp_dst, Be16(a->value.code), Be16(a->mask.code));
        set_icmp(packet, layout, a->v6, static_cast<uint8_t>(key.tp_src.get()),
                 static_cast<uint8_t>(key.tp_dst.get()));
    } else if (auto* a = action.get_if<Set<ArpKey>>()) {
        if (key.dl_type != packet::ethernet::kArp && key.dl_type != packet::ethernet::kRarp)
            return Step::kNext;
        if (layout.l3 + packet::arp::kHeader > packet.size()) return Step::kNext;
        blend(key.nw_src, Be32(a->value.sip), Be32(a->mask.sip));
        blend(key.nw_dst, Be32(a->value.tip), Be32(a->mask.tip));
        blend(key.nw_proto, static_cast<uint8_t>(a->value.op), static_cast<uint8_t>(a->mask.op));
        blend(key.arp_sha, a->value.sha, a->mask.sha);
        blend(key.arp_tha, a->value.tha, a->mask.tha);
        set_arp(packet, layout, key.nw_proto, key.arp_sha, key.nw_src, key.arp_tha, key.nw_dst);
    } else if (auto* a = action.get_if<Set<NdKey>>()) {
        if (!is_neighbour_discovery(key)) return Step::kNext;
        blend(key.nd_target, a->value.target, a->mask.target);
        blend(key.arp_sha, a->value.sll, a->mask.sll);
        blend(key.arp_tha, a->value.tll, a->mask.tll);
        set_nd(packet, layout, key.nd_target, key.arp_sha, key.arp_tha);
    } else if (auto* a = action.get_if<Set<NdExtensionsKey>>()) {
        if (!is_neighbour_discovery(key)) return Step::kNext;
        blend(key.nd_reserved, Be32(a->value.reserved), Be32(a->mask.reserved));
        blend(key.nd_options_type, a->value.options_type, a->mask.options_type);
        set_nd_extensions(packet, layout, key.nd_reserved, key.nd_options_type);
        work.stale = true;  // which option is which address has changed
    } else if (auto* a = action.get_if<Set<MplsKey>>()) {
        blend(key.mpls_lse[0], Be32(a->value.lse), Be32(a->mask.lse));
        if (!bare_mpls(work))
            set_mpls_lse(packet, layout, key.mpls_lse[0]);
        else if (packet.size() >= packet::mpls::kEntry)
            store_be32(packet.data(), key.mpls_lse[0]);
    } else if (auto* a = action.get_if<Set<NshKey>>()) {
        if (key.dl_type != packet::ethernet::kNsh) return Step::kNext;
        blend(key.nsh.flags, a->value.flags, a->mask.flags);
        blend(key.nsh.ttl, a->value.ttl, a->mask.ttl);
        blend(key.nsh.path_hdr, Be32(a->value.path_hdr), Be32(a->mask.path_hdr));
        for (size_t i = 0; i < 4; i++)
            blend(key.nsh.context[i], Be32(a->value.context[i]), Be32(a->mask.context[i]));
        set_nsh(packet, layout, key.nsh);
    } else if (auto* a = action.get_if<Set<PriorityKey>>()) {
        blend(key.skb_priority, Be32(a->value.value), Be32(a->mask.value));
    } else if (auto* a = action.get_if<Set<MarkKey>>()) {
        blend(key.pkt_mark, Be32(a->value.value), Be32(a->mask.value));
    }
    return Step::kNext;
}

}  // namespace weft::datapath
