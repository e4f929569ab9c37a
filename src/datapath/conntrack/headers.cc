#include "datapath/conntrack/headers.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"
#include "packet/ipv6.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::datapath::conntrack {

namespace {

namespace protocol = packet::protocol;
using packet::Ipv6Addr;

struct Transport {
    ByteView bytes;  // header and payload, without padding
    bool v6;
    uint8_t protocol;
    const packet::Packet& packet;
    const uint8_t* ip;
};

// The sum over pseudo header, header and payload.
bool checksum_right(const Transport& t) {
    const packet::Offload& offload = t.packet.offload;
    if (offload.checksum_partial || offload.checksum_valid || offload.gso_type != packet::GsoType::kNone)
        return true;
    uint64_t sum = 0;
    auto length = static_cast<uint32_t>(t.bytes.size());
    if (t.protocol != protocol::kIcmp) {
        if (t.v6) {
            Ipv6Addr src, dst;
            std::memcpy(src.data(), t.ip + packet::ipv6::kSrc, 16);
            std::memcpy(dst.data(), t.ip + packet::ipv6::kDst, 16);
            sum = packet::pseudo_header_sum6(src, dst, t.protocol, length);
        } else {
            sum = packet::pseudo_header_sum(t.ip, t.protocol, length);
        }
    }
    return packet::checksum_fold(packet::checksum_add(sum, t.bytes)) == 0xffff;
}

uint8_t window_scale(ByteView options) {
    ByteReader in(options);
    while (!in.empty()) {
        uint8_t kind = in.u8();
        if (kind == 0) break;
        if (kind == 1) continue;
        uint8_t length = in.u8();
        if (!in.ok() || length < 2) break;
        ByteReader value(in.bytes(length - size_t{2}));
        if (kind == 3 && length == 3 && in.ok()) return value.u8();
    }
    return TcpSegment::kNone;
}

bool read_tcp(const Transport& t, Headers& out) {
    if (t.bytes.size() < packet::tcp::kHeader) return false;
    const uint8_t* p = t.bytes.data();
    size_t header = static_cast<size_t>(p[packet::tcp::kOffsetFlags] >> 4) * 4;
    if (header < packet::tcp::kHeader || header > t.bytes.size() || !checksum_right(t)) return false;
    out.tuple.src_port = load_be16(p);
    out.tuple.dst_port = load_be16(p + 2);
    if (!out.tuple.src_port || !out.tuple.dst_port) return false;
    out.tcp.sequence = load_be32(p + packet::tcp::kSequence);
    out.tcp.acknowledgment = load_be32(p + packet::tcp::kAcknowledgment);
    out.tcp.flags = load_be16(p + packet::tcp::kOffsetFlags) & packet::tcp::kFlags;
    out.tcp.window = load_be16(p + packet::tcp::kWindow);
    out.tcp.length = static_cast<uint32_t>(t.bytes.size() - header);
    if (out.tcp.flags & packet::tcp::kSyn)
        out.tcp.window_scale =
            window_scale(t.bytes.subspan(packet::tcp::kHeader, header - packet::tcp::kHeader));
    return true;
}

bool read_udp(const Transport& t, Headers& out) {
    if (t.bytes.size() < packet::udp::kHeader) return false;
    const uint8_t* p = t.bytes.data();
    size_t length = load_be16(p + packet::udp::kLength);
    // A super-packet's length is that of the whole, or means nothing.
    if (t.packet.offload.gso_type == packet::GsoType::kNone && length != t.bytes.size()) return false;
    uint16_t check = load_be16(p + packet::udp::kChecksum);
    if (check || t.v6) {
        if (!check || !checksum_right(t)) return false;
    }
    out.tuple.src_port = load_be16(p);
    out.tuple.dst_port = load_be16(p + 2);
    return out.tuple.src_port && out.tuple.dst_port;
}

// The tuple of a packet of which an ICMP error quotes the beginning: ports lie in its first 8 bytes.
bool read_quoted(const packet::Packet& packet, size_t at, size_t end, bool v6, uint16_t zone, Headers& out) {
    ByteView whole = packet.view();
    if (end > whole.size() || at > end) return false;
    ByteReader in(whole.subspan(at, end - at));
    Tuple tuple;
    tuple.v6 = v6;
    tuple.zone = zone;
    size_t transport = at;
    if (v6) {
        const ByteView header = in.bytes(packet::ipv6::kHeader);
        if (!in.ok() || header[0] >> 4 != 6) return false;
        std::memcpy(tuple.src.data(), header.data() + packet::ipv6::kSrc, 16);
        std::memcpy(tuple.dst.data(), header.data() + packet::ipv6::kDst, 16);
        uint8_t next = header[packet::ipv6::kNextHeader];
        transport += packet::ipv6::kHeader;
        while (packet::ipv6::is_extension(next)) {
            ByteView extension = in.bytes(packet::ipv6::kExtMin);
            if (!in.ok()) return false;
            if (next == protocol::kFragment && (load_be16(extension.data() + packet::ipv6::kFragmentOffset) &
                                                packet::ipv6::kFragmentOffsetMask))
                return false;
            size_t length = next == protocol::kFragment ? packet::ipv6::kFragmentHeader
                            : next == protocol::kAh ? (extension[packet::ipv6::kExtLength] + size_t{2}) * 4
                                                    : (extension[packet::ipv6::kExtLength] + size_t{1}) * 8;
            next = extension[packet::ipv6::kExtNextHeader];
            if (length > packet::ipv6::kExtMin && !in.skip(length - packet::ipv6::kExtMin)) return false;
            transport += length;
        }
        tuple.protocol = next;
    } else {
        ByteView header = in.bytes(packet::ipv4::kHeader);
        if (!in.ok() || header[0] >> 4 != 4) return false;
        size_t length = static_cast<size_t>(header[0] & 0x0f) * 4;
        if (length < packet::ipv4::kHeader || !in.skip(length - packet::ipv4::kHeader)) return false;
        if (load_be16(header.data() + packet::ipv4::kFragment) & packet::ipv4::kOffset) return false;
        std::memcpy(tuple.src.data(), header.data() + packet::ipv4::kSrc, 4);
        std::memcpy(tuple.dst.data(), header.data() + packet::ipv4::kDst, 4);
        tuple.protocol = header[packet::ipv4::kProtocol];
        transport += length;
    }
    if (tuple.has_ports()) {
        // IPv4's errors owe us 8 bytes (RFC 792), IPv6's as much as fits (RFC 4443 section 2.4 (c)).
        ByteView ports = in.bytes(v6 && tuple.protocol == protocol::kTcp ? packet::tcp::kHeader : 8);
        if (!in.ok()) return false;
        tuple.src_port = load_be16(ports.data());
        tuple.dst_port = load_be16(ports.data() + 2);
    } else if (tuple.protocol == (v6 ? protocol::kIcmpv6 : protocol::kIcmp)) {
        ByteView message = in.bytes(8);
        if (!in.ok()) return false;
        uint8_t type = message[0];
        if (!icmp_reply_type(v6, type) && !icmp_request_type(v6, type)) return false;
        tuple.src_port = load_be16(message.data() + packet::icmp::kRest);
        tuple.dst_port = static_cast<uint16_t>(type << 8 | message[1]);
    }
    out.quoted = tuple;
    out.quoted_ip = at;
    out.quoted_transport = transport;
    return true;
}

bool read_icmp(const Transport& t, size_t l4, uint16_t zone, Headers& out) {
    if (t.bytes.size() < packet::icmp::kHeader || !checksum_right(t)) return false;
    uint8_t type = t.bytes[packet::icmp::kType], code = t.bytes[packet::icmp::kCode];
    if (icmp_is_error(t.v6, type)) {
        return read_quoted(t.packet, l4 + packet::icmp::kHeader, l4 + t.bytes.size(), t.v6, zone, out);
    }
    bool request = icmp_reply_type(t.v6, type).has_value();
    if ((!request && !icmp_request_type(t.v6, type)) || code != 0) return false;
    out.may_begin_icmp = request;
    out.tuple.src_port = load_be16(t.bytes.data() + packet::icmp::kRest);
    out.tuple.dst_port = static_cast<uint16_t>(type << 8 | code);
    return true;
}

}  // namespace

std::optional<Headers> read_headers(const packet::Packet& packet, const packet::Layout& layout,
                                    const packet::Flow& key, uint16_t zone) {
    bool v6 = key.dl_type == packet::ethernet::kIpv6;
    if ((!v6 && key.dl_type != packet::ethernet::kIpv4) || !layout.l4 || layout.l3_end > packet.size() ||
        layout.l4 > layout.l3_end || key.nw_frag)
        return std::nullopt;
    Headers out;
    const uint8_t* ip = packet.data() + layout.l3;
    out.tuple.v6 = v6;
    out.tuple.zone = zone;
    out.tuple.protocol = key.nw_proto;
    if (v6) {
        out.tuple.src = key.ipv6_src;
        out.tuple.dst = key.ipv6_dst;
    } else {
        if (!packet.offload.checksum_valid && !packet.offload.any() &&
            packet::checksum(ByteView(ip, static_cast<size_t>(layout.l4 - layout.l3))) != 0)
            return std::nullopt;
        store_be32(out.tuple.src.data(), key.nw_src);
        store_be32(out.tuple.dst.data(), key.nw_dst);
    }
    size_t length = static_cast<size_t>(layout.l3_end - layout.l4);
    Transport transport{packet.view().subspan(layout.l4, length), v6, key.nw_proto, packet, ip};
    bool good = true;
    if (key.nw_proto == protocol::kTcp)
        good = read_tcp(transport, out);
    else if (key.nw_proto == protocol::kUdp)
        good = read_udp(transport, out);
    else if (key.nw_proto == (v6 ? protocol::kIcmpv6 : protocol::kIcmp))
        good = read_icmp(transport, layout.l4, zone, out);
    else if (key.nw_proto == protocol::kIcmp || key.nw_proto == protocol::kIcmpv6)
        good = false;  // of the other family
    if (!good) return std::nullopt;
    return out;
}

}  // namespace weft::datapath::conntrack
