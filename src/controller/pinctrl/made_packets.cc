// The packets that responders make, as ovn-sb(5) describes what arp, nd_ns, nd_na, icmp4, icmp6, tcp_reset
// and reject start from.  The nested actions then change them.

#include <algorithm>

#include "base/bytes.h"
#include "controller/pinctrl/packet_in.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::controller {

namespace {

using packet::Packet;

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr uint8_t kTcp = 6, kUdpUnreachable4 = 3;
constexpr uint16_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
// RFC 1812 section 4.3.2.3 allows 576 bytes in all; RFC 4443 section 2.4 (c) the minimum MTU.
constexpr size_t kIcmp4Quote = 576 - 20 - 8, kIcmp6Quote = 1280 - 40 - 8;

bool is_ip(const packet::Flow& flow) {
    return flow.dl_type == kIpv4 || flow.dl_type == kIpv6;
}

// From where and to where the packet goes, which the nested actions exchange.
packet::IpEndpoints endpoints_of(const packet::Flow& flow) {
    packet::IpEndpoints ip;
    ip.eth_src = flow.dl_src;
    ip.eth_dst = flow.dl_dst;
    ip.v6 = flow.dl_type == kIpv6;
    ip.src = flow.nw_src;
    ip.dst = flow.nw_dst;
    ip.ipv6_src = flow.ipv6_src;
    ip.ipv6_dst = flow.ipv6_dst;
    ip.ttl = 255;
    return ip;
}

packet::Layout layout_of(const Arrived& arrived) {
    packet::Flow scratch = packet::zero_flow();
    return packet::extract(arrived.bytes, scratch);
}

// An error must not answer an error (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).
bool is_icmp_error(const packet::Flow& flow) {
    if (flow.dl_type == kIpv4 && flow.nw_proto == 1) {
        uint16_t type = flow.tp_src;
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }
    return flow.dl_type == kIpv6 && flow.nw_proto == 58 && flow.tp_src < 128;
}

}  // namespace

Packet make_arp_request(const Arrived& arrived) {
    const packet::Flow& flow = arrived.flow;
    if (flow.dl_type != kIpv4) return {};
    return packet::compose_arp(1, flow.dl_src, flow.dl_dst, flow.dl_src, flow.nw_src, packet::EthAddr{},
                               flow.nw_dst);
}

Packet make_neighbour_solicitation(const Arrived& arrived) {
    const packet::Flow& flow = arrived.flow;
    if (flow.dl_type != kIpv6) return {};
    return packet::compose_nd_ns(flow.dl_src, flow.ipv6_src, flow.ipv6_dst);
}

Packet make_neighbour_advertisement(const Arrived& arrived, bool router) {
    const packet::Flow& flow = arrived.flow;
    if (flow.dl_type != kIpv6 || flow.nw_proto != 58 || flow.tp_src != 135) return {};
    constexpr uint32_t kRouter = 0x80000000, kSolicited = 0x40000000, kOverride = 0x20000000;
    // Duplicate address detection asks from the unspecified address and is answered to all (RFC 4861
    // section 7.2.4).
    bool unspecified = flow.ipv6_src == packet::Ipv6Addr{};
    packet::Ipv6Addr to =
        unspecified ? packet::Ipv6Addr{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1} : flow.ipv6_src;
    uint32_t flags = (router ? kRouter : 0) | (unspecified ? 0 : kSolicited) | kOverride;
    return packet::compose_nd_na(flow.dl_dst, flow.dl_src, flow.nd_target, to, flow.nd_target, flags);
}

Packet make_icmp_error(const Arrived& arrived) {
    const packet::Flow& flow = arrived.flow;
    if (!is_ip(flow) || is_icmp_error(flow)) return {};
    packet::Layout layout = layout_of(arrived);
    if (!layout.l3) return {};
    ByteView quoted =
        arrived.bytes.subspan(layout.l3, std::min<size_t>(layout.l3_end, arrived.bytes.size()) - layout.l3);
    bool v6 = flow.dl_type == kIpv6;
    quoted = quoted.first(std::min(quoted.size(), v6 ? kIcmp6Quote : kIcmp4Quote));
    // Host unreachable; of ICMPv6, no route to the destination.
    return packet::compose_icmp(endpoints_of(flow), v6 ? 1 : kUdpUnreachable4, v6 ? 0 : 1, 0, quoted);
}

Packet make_tcp_reset(const Arrived& arrived) {
    const packet::Flow& flow = arrived.flow;
    packet::Layout layout = layout_of(arrived);
    if (!is_ip(flow) || flow.nw_proto != kTcp || !layout.l4 || flow.nw_frag & packet::kFragLater) return {};
    ByteReader tcp(arrived.bytes.subspan(layout.l4));
    uint16_t src = tcp.u16(), dst = tcp.u16();
    uint32_t seq = tcp.u32(), ack = tcp.u32();
    uint16_t offset_flags = tcp.u16();
    if (!tcp.ok() || offset_flags & kRst) return {};
    // RFC 9293 section 3.5.2, group 1: what was acknowledged is where the reset begins; else all that came is
    // acknowledged.
    if (offset_flags & kAck) return packet::compose_tcp(endpoints_of(flow), dst, src, ack, 0, kRst, 0, {});
    size_t header = static_cast<size_t>(offset_flags >> 12) * 4;
    size_t segment = layout.l3_end > layout.l4 + header ? layout.l3_end - layout.l4 - header : 0;
    uint32_t received =
        static_cast<uint32_t>(segment) + (offset_flags & kSyn ? 1 : 0) + (offset_flags & kFin ? 1 : 0);
    return packet::compose_tcp(endpoints_of(flow), dst, src, 0, seq + received, kRst | kAck, 0, {});
}

// reject turns the packet around itself: its nested actions only send it.
Packet make_rejection(const Arrived& arrived) {
    Arrived back = arrived;
    std::swap(back.flow.dl_src, back.flow.dl_dst);
    std::swap(back.flow.nw_src, back.flow.nw_dst);
    std::swap(back.flow.ipv6_src, back.flow.ipv6_dst);
    if (back.flow.nw_proto == kTcp) return make_tcp_reset(back);
    if (!is_ip(back.flow) || is_icmp_error(back.flow)) return {};
    packet::Layout layout = layout_of(arrived);
    if (!layout.l3) return {};
    ByteView quoted =
        arrived.bytes.subspan(layout.l3, std::min<size_t>(layout.l3_end, arrived.bytes.size()) - layout.l3);
    bool v6 = back.flow.dl_type == kIpv6;
    quoted = quoted.first(std::min(quoted.size(), v6 ? kIcmp6Quote : kIcmp4Quote));
    // Port unreachable.
    return packet::compose_icmp(endpoints_of(back.flow), v6 ? 1 : 3, v6 ? 4 : 3, 0, quoted);
}

}  // namespace weft::controller
