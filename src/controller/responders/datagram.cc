#include "controller/responders/datagram.h"

#include <algorithm>

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv6.h"
#include "packet/udp.h"

namespace weft::controller {

namespace {

namespace ipv4 = packet::ipv4;
namespace ipv6 = packet::ipv6;
namespace udp = packet::udp;

// Lengths and header checksum of the IP header at `l3`, whose transport header is at `l4`.
void finish_ip(ByteWriter& out, size_t l3, size_t l4, bool v6) {
    if (v6) {
        out.patch_u16(l3 + ipv6::kPayloadLength, static_cast<uint16_t>(out.size() - l3 - ipv6::kHeader));
        return;
    }
    out.patch_u16(l3 + ipv4::kTotalLength, static_cast<uint16_t>(out.size() - l3));
    out.patch_u16(l3 + ipv4::kChecksum, 0);
    out.patch_u16(l3 + ipv4::kChecksum, packet::checksum(out.view().subspan(l3, l4 - l3)));
}

uint16_t checksum6(ByteView packet, size_t l3, size_t l4, uint8_t protocol) {
    ByteReader addresses(packet.subspan(l3 + ipv6::kSrc));
    auto src = addresses.array<16>(), dst = addresses.array<16>();
    ByteView message = packet.subspan(l4);
    uint64_t sum = packet::pseudo_header_sum6(src, dst, protocol, static_cast<uint32_t>(message.size()));
    return static_cast<uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, message)));
}

}  // namespace

std::optional<Datagram> find_datagram(ByteView frame) {
    Datagram found;
    found.frame = frame;
    found.flow = packet::zero_flow();
    found.layout = packet::extract(frame, found.flow);
    found.v6 = found.flow.dl_type == packet::ethernet::kIpv6;
    if (!found.v6 && found.flow.dl_type != packet::ethernet::kIpv4) return std::nullopt;
    if (found.flow.nw_proto != packet::protocol::kUdp || found.flow.nw_frag) return std::nullopt;
    if (!found.layout.l3 || !found.layout.payload) return std::nullopt;
    size_t end = std::min<size_t>(found.layout.l3_end, frame.size());
    if (end < found.layout.payload) return std::nullopt;
    ByteReader header(frame.subspan(found.layout.l4, end - found.layout.l4));
    header.skip(udp::kLength);
    size_t length = header.u16();
    if (!header.ok() || length < udp::kHeader || found.layout.l4 + length > end) return std::nullopt;
    found.payload = frame.subspan(found.layout.payload, length - udp::kHeader);
    return found;
}

Bytes Datagram::with_payload(ByteView changed) const {
    ByteWriter out;
    out.bytes(frame.first(layout.payload));
    out.bytes(changed);
    out.patch_u16(layout.l4 + udp::kLength, static_cast<uint16_t>(udp::kHeader + changed.size()));
    out.patch_u16(layout.l4 + udp::kChecksum, 0);
    finish_ip(out, layout.l3, layout.l4, v6);
    if (v6) {
        uint16_t check = checksum6(out.view(), layout.l3, layout.l4, packet::protocol::kUdp);
        out.patch_u16(layout.l4 + udp::kChecksum, check ? check : 0xffff);
    }
    return out.take();
}

Bytes Datagram::with_payload_to(uint32_t ip_dst, ByteView changed) const {
    Bytes bytes(frame.begin(), frame.end());
    store_be32(&bytes.at(layout.l3 + ipv4::kDst), ip_dst);
    Datagram other = *this;
    other.frame = bytes;
    return other.with_payload(changed);
}

packet::Packet dont_fragment(packet::Packet made) {
    constexpr size_t kL3 = packet::ethernet::kHeader;
    ByteReader type(made.view());
    type.skip(packet::ethernet::kType);
    if (type.u16() != packet::ethernet::kIpv4 || made.size() < kL3 + ipv4::kHeader) return made;
    store_be16(made.data() + kL3 + ipv4::kFragment, ipv4::kDontFragment);
    store_be16(made.data() + kL3 + ipv4::kChecksum, 0);
    size_t header = (made.data()[kL3] & 0xf) * size_t{4};
    store_be16(made.data() + kL3 + ipv4::kChecksum, packet::checksum(made.view().subspan(kL3, header)));
    return made;
}

Bytes replace_icmp6(ByteView frame, ByteView message) {
    packet::Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(frame, flow);
    if (flow.dl_type != packet::ethernet::kIpv6 || flow.nw_proto != packet::protocol::kIcmpv6 ||
        flow.nw_frag || !layout.l3 || !layout.l4 || message.size() < packet::icmpv6::kHeader)
        return {};
    ByteWriter out;
    out.bytes(frame.first(layout.l4));
    out.bytes(message);
    out.patch_u16(layout.l4 + packet::icmpv6::kChecksum, 0);
    finish_ip(out, layout.l3, layout.l4, true);
    out.patch_u16(layout.l4 + packet::icmpv6::kChecksum,
                  checksum6(out.view(), layout.l3, layout.l4, packet::protocol::kIcmpv6));
    return out.take();
}

}  // namespace weft::controller
