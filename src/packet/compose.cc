#include "packet/compose.h"

#include <algorithm>
#include <numeric>

#include "packet/address.h"
#include "packet/arp.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"
#include "packet/igmp.h"
#include "packet/ipv6.h"
#include "packet/mpls.h"
#include "packet/nsh.h"
#include "packet/sctp.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "packet/vlan.h"

namespace weft::packet {

namespace {

void ethernet_header(ByteWriter& out, const EthAddr& dst, const EthAddr& src, uint16_t type) {
    out.bytes(dst);
    out.bytes(src);
    out.u16(type);
}

size_t ipv4_header(ByteWriter& out, uint32_t src, uint32_t dst, uint8_t protocol, uint8_t tos, uint8_t ttl,
                   uint16_t fragment) {
    size_t at = out.size();
    out.u8(0x45);
    out.u8(tos);
    out.u16(0);  // total length and checksum: finish_ipv4()
    out.u16(0);
    out.u16(fragment);
    out.u8(ttl);
    out.u8(protocol);
    out.u16(0);
    out.u32(src);
    out.u32(dst);
    return at;
}

void finish_ipv4(ByteWriter& out, size_t at) {
    out.patch_u16(at + ipv4::kTotalLength, static_cast<uint16_t>(out.size() - at));
    out.patch_u16(at + ipv4::kChecksum, checksum(out.view().subspan(at, ipv4::kHeader)));
}

size_t ipv6_header(ByteWriter& out, const Ipv6Addr& src, const Ipv6Addr& dst, uint8_t next, uint8_t tclass,
                   uint32_t label, uint8_t hop_limit) {
    size_t at = out.size();
    out.u32(6u << 28 | static_cast<uint32_t>(tclass) << 20 | (label & ipv6::kLabel));
    out.u16(0);  // payload length: finish_ipv6()
    out.u8(next);
    out.u8(hop_limit);
    out.bytes(src);
    out.bytes(dst);
    return at;
}

void finish_ipv6(ByteWriter& out, size_t at) {
    out.patch_u16(at + ipv6::kPayloadLength, static_cast<uint16_t>(out.size() - at - ipv6::kHeader));
}

size_t checksum_field(uint8_t protocol, bool v6) {
    switch (protocol) {
        case protocol::kTcp:
            return tcp::kChecksum;
        case protocol::kUdp:
            return udp::kChecksum;
        case protocol::kIcmp:
            return v6 ? 0 : icmp::kChecksum;
        case protocol::kIgmp:
            return v6 ? 0 : igmp::kChecksum;
        case protocol::kIcmpv6:
            return v6 ? icmpv6::kChecksum : 0;
        case protocol::kSctp:
            return sctp::kChecksum;
        default:
            return 0;
    }
}

// Computes the checksum of the transport header at `l4`, IP header at `l3`.
void finish_transport(ByteWriter& out, size_t l3, size_t l4, uint8_t protocol, bool v6) {
    size_t field = checksum_field(protocol, v6);
    if (!field || l4 + field + 2 > out.size()) return;
    ByteView message = out.view().subspan(l4);
    if (protocol == protocol::kSctp) {
        uint32_t crc = crc32c(message);
        for (size_t i = 0; i < 4; i++) out.patch_u8(l4 + field + i, static_cast<uint8_t>(crc >> (8 * i)));
        return;
    }
    if (protocol == protocol::kUdp) out.patch_u16(l4 + udp::kLength, static_cast<uint16_t>(message.size()));
    message = out.view().subspan(l4);
    uint64_t sum = 0;
    uint32_t length = static_cast<uint32_t>(message.size());
    if (v6) {
        Ipv6Addr src, dst;
        std::memcpy(src.data(), out.view().data() + l3 + ipv6::kSrc, 16);
        std::memcpy(dst.data(), out.view().data() + l3 + ipv6::kDst, 16);
        sum = pseudo_header_sum6(src, dst, protocol, length);
    } else if (protocol != protocol::kIcmp && protocol != protocol::kIgmp) {
        sum = pseudo_header_sum(out.view().data() + l3, protocol, length);
    }
    uint16_t check = static_cast<uint16_t>(~checksum_fold(checksum_add(sum, message)));
    if (protocol == protocol::kUdp && !check) check = 0xffff;
    out.patch_u16(l4 + field, check);
}

Packet to_packet(ByteWriter& out) {
    return Packet(out.view());
}

constexpr size_t kUsualHeaders = 100;

// Flow to packet, header by header.
class Composer {
  public:
    Composer(const Flow& flow, size_t payload, size_t total) : flow_(flow), payload_(payload), total_(total) {
        Bytes room;
        room.reserve(kUsualHeaders + std::max(payload, total));
        out_ = ByteWriter(std::move(room));
    }

    Packet run() {
        if (flow_.packet_type == 0) layer2();
        uint16_t type = flow_.dl_type;
        if (ethernet::is_mpls(type)) {
            labels();
        } else if (type == ethernet::kIpv4) {
            internet4();
        } else if (type == ethernet::kIpv6) {
            internet6();
        } else if (type == ethernet::kArp || type == ethernet::kRarp) {
            address_resolution();
        } else if (type == ethernet::kNsh) {
            service();
        } else {
            stretch();
        }
        return to_packet(out_);
    }

  private:
    void layer2() {
        out_.bytes(flow_.dl_dst);
        out_.bytes(flow_.dl_src);
        for (const Vlan& tag : flow_.vlans) {
            if (!(tag.tci & kVlanCfi)) break;
            out_.u16(tag.tpid ? tag.tpid.get() : ethernet::kVlan);
            out_.u16(tag.tci & static_cast<uint16_t>(~kVlanCfi));
        }
        if (flow_.dl_type == ethernet::kTypeNone) {
            out_.u16(static_cast<uint16_t>(std::min<size_t>(payload_, ethernet::kTypeNone)));
        } else {
            out_.u16(flow_.dl_type);
        }
    }

    // The payload; with a total length, what is left to it.
    void stretch() {
        size_t count = payload_;
        if (total_) count = total_ > out_.size() ? total_ - out_.size() : 0;
        Bytes bytes(count);
        std::iota(bytes.begin(), bytes.end(), uint8_t{0});
        out_.bytes(bytes);
    }

    void labels() {
        for (const Be32& lse : flow_.mpls_lse) {
            out_.u32(lse);
            if (lse & mpls::kBottom) break;
        }
        stretch();
    }

    void internet4() {
        uint16_t fragment = 0;
        if (flow_.nw_frag & kFragLater) {
            fragment = 100;  // any offset; the last fragment
        } else if (flow_.nw_frag & kFragAny) {
            fragment = ipv4::kMoreFragments;
        }
        size_t l3 = ipv4_header(out_, flow_.nw_src, flow_.nw_dst, flow_.nw_proto, flow_.nw_tos, flow_.nw_ttl,
                                fragment);
        size_t l4 = out_.size();
        transport(false);
        finish_ipv4(out_, l3);
        if (!(flow_.nw_frag & kFragLater)) finish_transport(out_, l3, l4, flow_.nw_proto, false);
    }

    void internet6() {
        bool fragment = flow_.nw_frag & kFragAny;
        size_t l3 =
            ipv6_header(out_, flow_.ipv6_src, flow_.ipv6_dst, fragment ? protocol::kFragment : flow_.nw_proto,
                        flow_.nw_tos, flow_.ipv6_label, flow_.nw_ttl);
        if (fragment) {
            bool later = flow_.nw_frag & kFragLater;
            out_.u8(later && flow_.nw_proto == protocol::kFragment ? protocol::kNoNext : flow_.nw_proto);
            out_.u8(0);
            out_.u16(later ? 800 : ipv6::kFragmentMore);
            out_.u32(1);
        }
        size_t l4 = out_.size();
        transport(true);
        finish_ipv6(out_, l3);
        if (!(flow_.nw_frag & kFragLater)) finish_transport(out_, l3, l4, flow_.nw_proto, true);
    }

    void transport(bool v6) {
        if (flow_.nw_frag & kFragLater) return stretch();
        switch (flow_.nw_proto) {
            case protocol::kTcp:
                out_.u16(flow_.tp_src);
                out_.u16(flow_.tp_dst);
                out_.zeros(8);
                out_.u16(static_cast<uint16_t>(5 << 12 | (flow_.tcp_flags & tcp::kFlags)));
                out_.zeros(6);
                return stretch();
            case protocol::kUdp:
                out_.u16(flow_.tp_src);
                out_.u16(flow_.tp_dst);
                out_.zeros(4);
                return stretch();
            case protocol::kSctp:
                out_.u16(flow_.tp_src);
                out_.u16(flow_.tp_dst);
                out_.zeros(8);
                return stretch();
            case protocol::kIcmp:
                if (v6) return stretch();
                message_header();
                out_.u32(0);
                return stretch();
            case protocol::kIgmp:
                if (v6) return stretch();
                message_header();
                out_.u32(flow_.igmp_group);
                return stretch();
            case protocol::kIcmpv6:
                if (!v6) return stretch();
                message_header();
                return icmpv6_body();
            default:
                return stretch();
        }
    }

    void message_header() {
        out_.u8(static_cast<uint8_t>(flow_.tp_src));
        out_.u8(static_cast<uint8_t>(flow_.tp_dst));
        out_.u16(0);
    }

    void icmpv6_body() {
        uint8_t type = static_cast<uint8_t>(flow_.tp_src);
        bool solicitation = type == icmpv6::kNeighbourSolicitation;
        bool discovery = flow_.tp_dst == 0 && (solicitation || type == icmpv6::kNeighbourAdvertisement);
        out_.u32(discovery ? flow_.nd_reserved.get() : 0);
        if (!discovery) return stretch();
        out_.bytes(flow_.nd_target);
        const EthAddr& link_layer = solicitation ? flow_.arp_sha : flow_.arp_tha;
        if (is_zero(link_layer)) return;
        out_.u8(solicitation ? icmpv6::kNdSourceLinkLayer : icmpv6::kNdTargetLinkLayer);
        out_.u8(1);
        out_.bytes(link_layer);
    }

    void address_resolution() {
        out_.u16(arp::kEthernet);
        out_.u16(ethernet::kIpv4);
        out_.u8(6);
        out_.u8(4);
        out_.u16(flow_.nw_proto);
        out_.bytes(flow_.arp_sha);
        out_.u32(flow_.nw_src);
        out_.bytes(flow_.arp_tha);
        out_.u32(flow_.nw_dst);
    }

    void service() {
        bool fixed = flow_.nsh.mdtype == 1;
        size_t words = (fixed ? nsh::kMdType1 : nsh::kBase) / 4;
        out_.u16(static_cast<uint16_t>((flow_.nsh.flags << nsh::kFlagsShift & nsh::kFlags) |
                                       (flow_.nsh.ttl << nsh::kTtlShift & nsh::kTtl) | words));
        out_.u8(flow_.nsh.mdtype);
        out_.u8(flow_.nsh.np);
        out_.u32(flow_.nsh.path_hdr);
        if (fixed) {
            for (const Be32& word : flow_.nsh.context) out_.u32(word);
        }
        stretch();
    }

    const Flow& flow_;
    size_t payload_, total_;
    ByteWriter out_;
};

}  // namespace

Packet compose(const Flow& flow, size_t payload_length, size_t total_length) {
    return Composer(flow, payload_length, total_length).run();
}

Packet compose_arp(uint16_t opcode, const EthAddr& eth_src, const EthAddr& eth_dst, const EthAddr& sha,
                   uint32_t spa, const EthAddr& tha, uint32_t tpa) {
    ByteWriter out;
    ethernet_header(out, eth_dst, eth_src, ethernet::kArp);
    out.u16(arp::kEthernet);
    out.u16(ethernet::kIpv4);
    out.u8(6);
    out.u8(4);
    out.u16(opcode);
    out.bytes(sha);
    out.u32(spa);
    out.bytes(tha);
    out.u32(tpa);
    return to_packet(out);
}

Packet compose_ip(const IpEndpoints& ip, uint8_t protocol, ByteView payload) {
    ByteWriter out;
    ethernet_header(out, ip.eth_dst, ip.eth_src, ip.v6 ? ethernet::kIpv6 : ethernet::kIpv4);
    size_t l3 = ip.v6 ? ipv6_header(out, ip.ipv6_src, ip.ipv6_dst, protocol, ip.tos, 0, ip.ttl)
                      : ipv4_header(out, ip.src, ip.dst, protocol, ip.tos, ip.ttl, 0);
    size_t l4 = out.size();
    out.bytes(payload);
    if (ip.v6) {
        finish_ipv6(out, l3);
    } else {
        finish_ipv4(out, l3);
    }
    finish_transport(out, l3, l4, protocol, ip.v6);
    return to_packet(out);
}

Packet compose_nd_ns(const EthAddr& eth_src, const Ipv6Addr& ip_src, const Ipv6Addr& target) {
    IpEndpoints ip;
    ip.v6 = true;
    ip.eth_src = eth_src;
    ip.eth_dst = {0x33, 0x33, 0xff, target[13], target[14], target[15]};  // RFC 2464 section 7
    ip.ipv6_src = ip_src;
    ip.ipv6_dst = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, target[13], target[14], target[15]};
    ip.ttl = 255;
    ByteWriter out;
    out.u8(icmpv6::kNeighbourSolicitation);
    out.zeros(7);
    out.bytes(target);
    if (!is_zero(ip_src)) {  // not in duplicate address detection
        out.u8(icmpv6::kNdSourceLinkLayer);
        out.u8(1);
        out.bytes(eth_src);
    }
    return compose_ip(ip, protocol::kIcmpv6, out.view());
}

Packet compose_nd_na(const EthAddr& eth_src, const EthAddr& eth_dst, const Ipv6Addr& ip_src,
                     const Ipv6Addr& ip_dst, const Ipv6Addr& target, uint32_t flags) {
    IpEndpoints ip;
    ip.v6 = true;
    ip.eth_src = eth_src;
    ip.eth_dst = eth_dst;
    ip.ipv6_src = ip_src;
    ip.ipv6_dst = ip_dst;
    ip.ttl = 255;
    ByteWriter out;
    out.u8(icmpv6::kNeighbourAdvertisement);
    out.zeros(3);
    out.u32(flags);
    out.bytes(target);
    out.u8(icmpv6::kNdTargetLinkLayer);
    out.u8(1);
    out.bytes(eth_src);
    return compose_ip(ip, protocol::kIcmpv6, out.view());
}

Packet compose_icmp(const IpEndpoints& ip, uint8_t type, uint8_t code, uint32_t rest, ByteView body) {
    bool error = ip.v6 ? type < 128 : type != icmp::kEchoReply && type != icmp::kEchoRequest;
    size_t room = ip.v6 ? 1280 - ipv6::kHeader - icmpv6::kHeader : 576 - ipv4::kHeader - icmp::kHeader;
    if (error && body.size() > room) body = body.first(room);
    ByteWriter out;
    out.u8(type);
    out.u8(code);
    out.u16(0);
    out.u32(rest);
    out.bytes(body);
    return compose_ip(ip, ip.v6 ? protocol::kIcmpv6 : protocol::kIcmp, out.view());
}

Packet compose_udp(const IpEndpoints& ip, uint16_t src, uint16_t dst, ByteView payload) {
    ByteWriter out;
    out.u16(src);
    out.u16(dst);
    out.u16(static_cast<uint16_t>(udp::kHeader + payload.size()));
    out.u16(0);
    out.bytes(payload);
    return compose_ip(ip, protocol::kUdp, out.view());
}

Packet compose_tcp(const IpEndpoints& ip, uint16_t src, uint16_t dst, uint32_t seq, uint32_t ack,
                   uint16_t flags, uint16_t window, ByteView payload) {
    ByteWriter out;
    out.u16(src);
    out.u16(dst);
    out.u32(seq);
    out.u32(ack);
    out.u16(static_cast<uint16_t>(5 << 12 | (flags & tcp::kFlags)));
    out.u16(window);
    out.zeros(4);
    out.bytes(payload);
    return compose_ip(ip, protocol::kTcp, out.view());
}

}  // namespace weft::packet
