#include "datapath/userspace/outer_headers.h"

#include <algorithm>

#include "datapath/api/set_fields.h"
#include "datapath/userspace/tunnel_header.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/udp.h"

namespace weft::datapath {

namespace {

using packet::Packet;
namespace ethernet = packet::ethernet;
namespace ipv4 = packet::ipv4;
namespace ipv6 = packet::ipv6;
namespace protocol = packet::protocol;
namespace udp = packet::udp;

uint64_t pseudo_sum(const SetTunnel& header, uint32_t length) {
    if (header.v6)
        return packet::pseudo_header_sum6(header.ipv6_src, header.ipv6_dst, protocol::kUdp, length);
    return uint64_t{header.src >> 16} + (header.src & 0xffff) + (header.dst >> 16) + (header.dst & 0xffff) +
           protocol::kUdp + length;
}

void push_udp(Packet& packet, const PushTunnel& push, uint32_t hash) {
    const SetTunnel& header = push.header;
    uint32_t ports = 1u + push.last_source_port - push.first_source_port;
    uint8_t* p = packet.push_front(udp::kHeader);
    auto length = static_cast<uint16_t>(packet.size());
    uint16_t chosen = static_cast<uint16_t>(push.first_source_port + (uint64_t{hash} * ports >> 32));
    store_be16(p + udp::kSrc, header.tp_src ? header.tp_src : chosen);
    store_be16(p + udp::kDst, header.tp_dst);
    store_be16(p + udp::kLength, length);
    store_be16(p + udp::kChecksum, 0);
    if (!header.v6 && !(header.flags & packet::kTunnelCsum)) return;
    auto sum = static_cast<uint16_t>(
        ~packet::checksum_fold(packet::checksum_add(pseudo_sum(header, length), packet.view())));
    store_be16(p + udp::kChecksum, sum ? sum : 0xffff);
}

void push_ipv4(Packet& packet, const SetTunnel& header, uint8_t carried) {
    uint8_t* p = packet.push_front(ipv4::kHeader);
    p[ipv4::kVersionLength] = 0x45;
    p[ipv4::kTos] = header.tos;
    store_be16(p + ipv4::kTotalLength, static_cast<uint16_t>(packet.size()));
    store_be16(p + ipv4::kId, 0);
    store_be16(p + ipv4::kFragment, header.flags & packet::kTunnelDontFragment ? ipv4::kDontFragment : 0);
    p[ipv4::kTtl] = header.ttl;
    p[ipv4::kProtocol] = carried;
    store_be16(p + ipv4::kChecksum, 0);
    store_be32(p + ipv4::kSrc, header.src);
    store_be32(p + ipv4::kDst, header.dst);
    store_be16(p + ipv4::kChecksum, packet::checksum({p, ipv4::kHeader}));
}

void push_ipv6(Packet& packet, const SetTunnel& header, uint8_t carried) {
    auto length = static_cast<uint16_t>(packet.size());
    uint8_t* p = packet.push_front(ipv6::kHeader);
    store_be32(p + ipv6::kVersionClassLabel, 6u << 28 | uint32_t{header.tos} << 20);
    store_be16(p + ipv6::kPayloadLength, length);
    p[ipv6::kNextHeader] = carried;
    p[ipv6::kHopLimit] = header.ttl;
    std::copy(header.ipv6_src.begin(), header.ipv6_src.end(), p + ipv6::kSrc);
    std::copy(header.ipv6_dst.begin(), header.ipv6_dst.end(), p + ipv6::kDst);
}

}  // namespace

bool push_outer_headers(Packet& packet, const PushTunnel& push, uint32_t hash, uint32_t sequence) {
    const SetTunnel& header = push.header;
    packet::Tunnel key = packet::zero_flow().tunnel;
    tunnel_to_key(header, key);
    if (packet.size() + tunnel_header_size(push.type, key) + udp::kHeader + ipv4::kHeader > UINT16_MAX)
        return false;
    packet.offload = {};
    push_tunnel_header(packet, push.type, key, push.packet_type, sequence);
    if (!is_gre(push.type)) push_udp(packet, push, hash);
    uint8_t carried = is_gre(push.type) ? protocol::kGre : protocol::kUdp;
    if (header.v6)
        push_ipv6(packet, header, carried);
    else
        push_ipv4(packet, header, carried);
    uint8_t* p = packet.push_front(ethernet::kHeader);
    std::copy(push.dst.begin(), push.dst.end(), p);
    std::copy(push.src.begin(), push.src.end(), p + push.dst.size());
    store_be16(p + ethernet::kType, header.v6 ? ethernet::kIpv6 : ethernet::kIpv4);
    return true;
}

void push_received_headers(Packet& packet, const packet::Tunnel& tunnel) {
    PushTunnel push;
    push.header = tunnel_from_key(tunnel);
    push_udp(packet, push, 0);
    if (push.header.v6)
        push_ipv6(packet, push.header, protocol::kUdp);
    else
        push_ipv4(packet, push.header, protocol::kUdp);
    uint8_t* p = packet.push_front(ethernet::kHeader);
    std::fill_n(p, ethernet::kHeader, uint8_t{0});
    store_be16(p + ethernet::kType, push.header.v6 ? ethernet::kIpv6 : ethernet::kIpv4);
}

Result<ByteView> read_outer_headers(ByteView packet, const packet::Layout& layout, const packet::Flow& key,
                                    packet::Tunnel& tunnel) {
    if ((key.dl_type != ethernet::kIpv4 && key.dl_type != ethernet::kIpv6) || !layout.l4 || key.nw_frag)
        return Error{"no whole IP packet"};
    bool v6 = key.dl_type == ethernet::kIpv6;
    size_t end = layout.l3_end ? layout.l3_end : packet.size();
    if (end > packet.size() || end < layout.l4) return Error{"an IP packet that is cut short"};
    if (!v6 && packet::checksum(packet.subspan(layout.l3, layout.l4 - layout.l3)) != 0)
        return Error{"a wrong IPv4 checksum"};
    tunnel.tos = key.nw_tos;
    tunnel.ttl = key.nw_ttl;
    if (v6) {
        tunnel.ipv6_src = key.ipv6_src;
        tunnel.ipv6_dst = key.ipv6_dst;
    } else {
        tunnel.src = key.nw_src;
        tunnel.dst = key.nw_dst;
    }
    ByteView rest = packet.subspan(layout.l4, end - layout.l4);
    if (key.nw_proto == protocol::kGre) return rest;
    if (key.nw_proto != protocol::kUdp || rest.size() < udp::kHeader) return Error{"neither GRE nor UDP"};
    size_t length = load_be16(rest.data() + udp::kLength);
    if (length < udp::kHeader || length > rest.size()) return Error{"a wrong UDP length"};
    rest = rest.first(length);
    tunnel.tp_src = key.tp_src;
    tunnel.tp_dst = key.tp_dst;
    if (load_be16(rest.data() + udp::kChecksum)) {
        SetTunnel addresses;
        addresses.v6 = v6;
        addresses.src = key.nw_src;
        addresses.dst = key.nw_dst;
        addresses.ipv6_src = key.ipv6_src;
        addresses.ipv6_dst = key.ipv6_dst;
        uint64_t sum = pseudo_sum(addresses, static_cast<uint32_t>(length));
        if (packet::checksum_fold(packet::checksum_add(sum, rest)) != 0xffff)
            return Error{"a wrong UDP checksum"};
        tunnel.flags |= packet::kTunnelCsum;
    }
    return rest.subspan(udp::kHeader);
}

}  // namespace weft::datapath
