// The packets that responders make, as ovn-sb(5) describes what arp, nd_ns, nd_na, icmp4, icmp6, tcp_reset
// and reject start from.  The nested actions then change them.

#include <algorithm>

#include "base/bytes.h"
#include "controller/pinctrl/packet_in.h"
#include "controller/responders/datagram.h"
#include "controller/responders/link_local.h"
#include "packet/address.h"
#include "packet/checksum.h"
#include "packet/compose.h"
#include "packet/extract.h"

namespace weft::controller {

namespace {

using packet::Packet;

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr uint8_t kTcp = 6, kUdp = 17, kSctp = 132;
constexpr uint16_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
// Errors quote what fits into a frame of 576 bytes (1280 bytes of IPv6): a little less than RFC 1812 section
// 4.3.2.3 and RFC 4443 section 2.4 (c) allow, and what Debian's controller quotes.
constexpr size_t kEthernet = 14, kIcmp4Quote = 576 - kEthernet - 20 - 8,
                 kIcmp6Quote = 1280 - kEthernet - 40 - 8;
// Resets and aborts have the hop limit of a packet that a host behind one router sent.
constexpr uint8_t kResetTtl = 63;

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

// What was sent to many is not answered by an error (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).
bool was_for_many(const packet::Flow& flow) {
    if (packet::is_multicast(flow.dl_dst)) return true;
    if (flow.dl_type == kIpv6) return packet::is_multicast(flow.ipv6_dst);
    return flow.nw_dst >= 0xe0000000;
}

// The ICMP error of this type and code about the packet that came.
Packet compose_error(const Arrived& arrived, const packet::Flow& flow, uint8_t type, uint8_t code) {
    if (!is_ip(flow) || is_icmp_error(flow)) return {};
    packet::Layout layout = layout_of(arrived);
    // A header that lies about its length has no end.
    size_t end = std::min<size_t>(layout.l3_end, arrived.bytes.size());
    if (!layout.l3 || end <= layout.l3) return {};
    ByteView quoted = arrived.bytes.subspan(layout.l3, end - layout.l3);
    quoted = quoted.first(std::min(quoted.size(), flow.dl_type == kIpv6 ? kIcmp6Quote : kIcmp4Quote));
    return dont_fragment(packet::compose_icmp(endpoints_of(flow), type, code, 0, quoted));
}

packet::IpEndpoints reset_endpoints(const packet::Flow& flow) {
    packet::IpEndpoints ip = endpoints_of(flow);
    ip.ttl = kResetTtl;
    return ip;
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
    // The router asks for itself, by the address that its port has in any case.
    return packet::compose_nd_ns(flow.dl_src, link_local(flow.dl_src), flow.ipv6_dst);
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
    bool v6 = arrived.flow.dl_type == kIpv6;
    // Host unreachable; of ICMPv6, administratively prohibited.
    return compose_error(arrived, arrived.flow, v6 ? 1 : 3, 1);
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
    if (offset_flags & kAck)
        return dont_fragment(packet::compose_tcp(reset_endpoints(flow), dst, src, ack, 0, kRst, 0, {}));
    size_t header = static_cast<size_t>(offset_flags >> 12) * 4;
    size_t segment = layout.l3_end > layout.l4 + header ? layout.l3_end - layout.l4 - header : 0;
    uint32_t received =
        static_cast<uint32_t>(segment) + (offset_flags & kSyn ? 1 : 0) + (offset_flags & kFin ? 1 : 0);
    return dont_fragment(
        packet::compose_tcp(reset_endpoints(flow), dst, src, 0, seq + received, kRst | kAck, 0, {}));
}

Packet make_sctp_abort(const Arrived& arrived) {
    constexpr uint8_t kInit = 1, kAbort = 6, kShutdownComplete = 14, kTagReflected = 1;
    const packet::Flow& flow = arrived.flow;
    packet::Layout layout = layout_of(arrived);
    if (!is_ip(flow) || flow.nw_proto != kSctp || !layout.l4 || flow.nw_frag & packet::kFragLater) return {};
    ByteReader in(arrived.bytes.subspan(layout.l4));
    uint16_t src = in.u16(), dst = in.u16();
    uint32_t tag = in.u32();
    in.skip(4);  // checksum
    if (!in.ok()) return {};
    // RFC 9260 section 8.4: an INIT tells the tag to use; else the packet's own comes back, marked so.
    uint8_t flags = kTagReflected;
    uint8_t chunk = in.u8();
    in.skip(3);
    if (in.ok() && (chunk == kAbort || chunk == kShutdownComplete)) return {};
    if (in.ok() && chunk == kInit) {
        tag = in.u32();
        if (!in.ok()) return {};
        flags = 0;
    }
    ByteWriter out;
    out.u16(dst);
    out.u16(src);
    out.u32(tag);
    out.u32(0);
    out.u8(kAbort);
    out.u8(flags);
    out.u16(4);
    return dont_fragment(packet::compose_ip(reset_endpoints(flow), kSctp, out.view()));
}

// reject turns the packet around itself: its nested actions only send it.
Packet make_rejection(const Arrived& arrived) {
    Arrived back = arrived;
    std::swap(back.flow.dl_src, back.flow.dl_dst);
    std::swap(back.flow.nw_src, back.flow.nw_dst);
    std::swap(back.flow.ipv6_src, back.flow.ipv6_dst);
    if (was_for_many(arrived.flow)) return {};
    if (back.flow.nw_proto == kTcp) return make_tcp_reset(back);
    if (back.flow.nw_proto == kSctp) return make_sctp_abort(back);
    // Port unreachable, or host unreachable; of ICMPv6, administratively prohibited.
    bool v6 = back.flow.dl_type == kIpv6, udp = back.flow.nw_proto == kUdp;
    return compose_error(back, back.flow, v6 ? 1 : 3, !udp ? 1 : v6 ? 4 : 3);
}

std::optional<Bytes> with_frag_mtu(const Arrived& arrived) {
    ByteReader userdata(arrived.rest);
    bool v6 = arrived.opcode == logical::ControllerOpcode::kPutIcmp6FragMtu;
    uint32_t mtu = v6 ? userdata.u32() : userdata.u16();
    packet::Layout layout = layout_of(arrived);
    constexpr size_t kChecksum = 2, kRest = 4, kHeader = 8;
    if (!userdata.ok() || !layout.l4 || layout.l4 + kHeader > arrived.bytes.size()) return std::nullopt;
    if (arrived.flow.nw_proto != (v6 ? 58 : 1) || arrived.flow.nw_frag) return std::nullopt;
    Bytes changed(arrived.bytes.begin(), arrived.bytes.end());
    uint8_t* message = &changed[layout.l4];
    // RFC 1191 section 4: the lower half of the word; RFC 4443 section 3.2: all of it.
    uint32_t before = load_be32(message + kRest), after = v6 ? mtu : (before & 0xffff0000) | mtu;
    store_be32(message + kRest, after);
    store_be16(message + kChecksum, packet::checksum_update32(load_be16(message + kChecksum), before, after));
    return changed;
}

}  // namespace weft::controller
