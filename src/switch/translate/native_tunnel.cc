// Tunnels whose packets go through a bridge of the switch: pushed into it here, taken out of it where it
// would hand them to its own device (docs/decisions/0082-tunnels-through-bridges.md).

#include <fmt/core.h>

#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv4.h"
#include "switch/translate/isolate.h"
#include "switch/underlay/underlay.h"

namespace weft::vswitch {

namespace of = openflow;

namespace {

constexpr uint16_t kArpRequest = 1, kArpReply = 2;
using packet::protocol::kGre;
using packet::protocol::kIcmpv6;
using packet::protocol::kUdp;

packet::Ipv6Addr mapped(bool v6, uint32_t v4, const packet::Ipv6Addr& six) {
    return v6 ? six : packet::map_ipv4(v4);
}

bool is_own(const std::vector<UnderlayAddress>& own, const packet::Ipv6Addr& address) {
    for (const UnderlayAddress& one : own) {
        if (one.address == address) return true;
    }
    return false;
}

// Headers are put on, and then nothing is done.
bool only_pushes(const datapath::Action& action) {
    auto* clone = action.get_if<datapath::Clone>();
    if (clone) return clone->actions.size() == 1 && only_pushes(clone->actions.front());
    return action.get_if<datapath::PushTunnel>() != nullptr;
}

// The packet that `push` makes of any packet, as the bridge that it enters by `local` sees it.
packet::Flow carrier(const datapath::PushTunnel& push, uint32_t local) {
    packet::Flow flow = packet::zero_flow();
    const datapath::SetTunnel& header = push.header;
    flow.in_port = local;
    flow.actset_output = of::kPortUnset;
    flow.dl_src = push.src;
    flow.dl_dst = push.dst;
    flow.dl_type = header.v6 ? packet::ethernet::kIpv6 : packet::ethernet::kIpv4;
    if (header.v6) {
        flow.ipv6_src = header.ipv6_src;
        flow.ipv6_dst = header.ipv6_dst;
    } else {
        flow.nw_src = header.src;
        flow.nw_dst = header.dst;
    }
    flow.nw_tos = header.tos;
    flow.nw_ttl = header.ttl;
    flow.nw_proto = datapath::is_gre(push.type) ? kGre : kUdp;
    if (!datapath::is_gre(push.type)) flow.tp_dst = header.tp_dst;
    return flow;
}

}  // namespace

bool Walk::output_native(OfPort& port, datapath::SetTunnel header) {
    Underlay* underlay = backer_.underlay();
    if (!underlay) return false;
    packet::Ipv6Addr to = mapped(header.v6, header.dst, header.ipv6_dst);
    // The mark that the packet has now, the port's or an earlier one, goes with what carries it.
    if (underlay->marked()) mask_.pkt_mark = ~0u;
    const UnderlayRoute* route = underlay->route(to, flow_.pkt_mark);
    Bridge* bridge = route && !route->local ? backer_.bridge(route->device) : nullptr;
    OfPort* local = bridge ? bridge->port(of::kPortLocal) : nullptr;
    if (!local) return false;
    packet::Ipv6Addr from = mapped(header.v6, header.src, header.ipv6_src);
    bool chosen = header.v6 ? !packet::is_zero(header.ipv6_src) : header.src != 0;
    if (!chosen)
        from = route->source;
    else if (!is_own(underlay->addresses(route->device), from))
        return false;
    packet::Ipv6Addr hop = packet::is_zero(route->gateway) ? to : route->gateway;

    detail("output to native tunnel");
    if (tracing()) detail(fmt::format("tunneling to {} via {}", address_text(hop), route->device));
    auto mac = underlay->neighbour(bridge->name(), hop);
    if (!mac) {
        if (tracing()) {
            detail(fmt::format("neighbor cache miss for {} on bridge {}, sending {} request",
                               address_text(hop), bridge->name(), packet::mapped_ipv4(hop) ? "ARP" : "ND"));
        }
        out_.solicitations.push_back({bridge->name(), local->mac, from, hop});
        out_.drop = explain::DropReason::kTunnelNoNeighbour;
        return true;
    }
    if (tracing()) {
        detail(fmt::format("tunneling from {} {} to {} {}", packet::to_string(local->mac), address_text(from),
                           packet::to_string(*mac), address_text(hop)));
    }
    note(EffectCache::UseNeighbour{underlay, bridge->name(), hop});
    if (header.v6)
        header.ipv6_src = from;
    else
        header.src = *packet::mapped_ipv4(from);
    datapath::PushTunnel push;
    push.port = port.dp_port;
    push.type = port.tunnel->type;
    push.packet_type = flow_.packet_type;
    push.src = local->mac;
    push.dst = *mac;
    push.first_source_port = underlay->first_source_port;
    push.last_source_port = underlay->last_source_port;
    push.out_port = local->dp_port;
    push.header = std::move(header);
    push_into(*local, std::move(push));
    return true;
}

// What is looked at of the packet that carries is known of every packet of the megaflow: it does not count.
void Walk::push_into(OfPort& local, datapath::PushTunnel push) {
    packet::Flow saved_mask = mask_, saved_base = base_;
    enter_bridge(local, !last_output_, [&] {
        flow_ = carrier(push, local.number);
        base_ = flow_;
        append(std::move(push));
    });
    if (!out_.actions.empty() && only_pushes(out_.actions.back())) {
        out_.actions.pop_back();  // the bridge sends it nowhere
        base_ = saved_base;
    }
    mask_ = saved_mask;
}

// What neighbours say to the bridge's own addresses, and what ARP says to everybody.
void Walk::snoop_neighbour(const OfPort& port, Underlay& underlay) {
    const std::vector<UnderlayAddress>& own = underlay.addresses(port.name);
    packet::Ipv6Addr address{};
    packet::EthAddr mac{};
    if (flow_.dl_type == packet::ethernet::kArp) {
        mask_.nw_proto = 0xff;
        if (flow_.nw_proto != kArpReply && flow_.nw_proto != kArpRequest) return;
        mask_.nw_src = mask_.nw_dst = 0xffffffff;
        bool gratuitous = flow_.nw_src == flow_.nw_dst;
        if (!gratuitous && (flow_.nw_proto == kArpRequest || !is_own(own, packet::map_ipv4(flow_.nw_dst))))
            return;
        mask_.arp_sha.fill(0xff);
        address = packet::map_ipv4(flow_.nw_src);
        mac = flow_.arp_sha;
    } else if (flow_.dl_type == packet::ethernet::kIpv6 && flow_.nw_proto == kIcmpv6) {
        mask_.nw_proto = 0xff;
        mask_.tp_src = mask_.tp_dst = 0xffff;
        if (flow_.tp_src != packet::icmpv6::kNeighbourAdvertisement || flow_.tp_dst != 0) return;
        mask_.ipv6_dst.fill(0xff);
        if (!is_own(own, flow_.ipv6_dst)) return;
        mask_.nd_target.fill(0xff);
        mask_.arp_tha.fill(0xff);
        address = flow_.nd_target;
        mac = flow_.arp_tha;
    }
    if (packet::is_zero(mac) || packet::is_multicast(mac)) return;
    note(EffectCache::LearnNeighbour{&underlay, bridge_->name(), address, mac});
}

// True: the packet, which the bridge hands to its own device, is a tunnel's.
bool Walk::pop_tunnel(const OfPort& port) {
    Underlay* underlay = backer_.underlay();
    if (!underlay || port.number != of::kPortLocal || backer_.tunnels().empty()) return false;
    const std::vector<UnderlayAddress>& own = underlay->addresses(port.name);
    if (own.empty()) return false;
    bool v6 = flow_.dl_type == packet::ethernet::kIpv6;
    if (flow_.dl_type != packet::ethernet::kIpv4 && !v6) {
        snoop_neighbour(port, *underlay);
        return false;
    }
    mask_.dl_dst.fill(0xff);
    if (flow_.vlans[0].tci) mask_.vlans[0].tci = 0xffff;
    if (flow_.dl_dst != port.mac || (flow_.vlans[0].tci & packet::kVlanCfi)) return false;
    if (v6)
        mask_.ipv6_dst.fill(0xff);
    else
        mask_.nw_dst = 0xffffffff;
    mask_.nw_proto = 0xff;
    if (flow_.nw_proto != kUdp && flow_.nw_proto != kGre) {
        snoop_neighbour(port, *underlay);
        return false;
    }
    mask_.nw_frag = kFragMask;
    if (!is_own(own, mapped(v6, flow_.nw_dst, flow_.ipv6_dst)) || (flow_.nw_frag & kFragMask)) return false;
    if (flow_.nw_proto == kUdp) mask_.tp_dst = 0xffff;
    auto listener = backer_.tunnels().listener(flow_.nw_proto == kUdp ? flow_.tp_dst.get() : 0);
    if (!listener) return false;
    commit();
    append(datapath::PopTunnel{*listener});
    return true;
}

}  // namespace weft::vswitch
