#include "packet/segment.h"

#include <algorithm>

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/ipv6.h"
#include "packet/mpls.h"
#include "packet/sctp.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "packet/vlan.h"

namespace weft::packet {

void finish_checksum(Packet& packet) {
    if (!packet.offload.checksum_partial) return;
    size_t start = packet.offload.csum_start;
    size_t field = start + packet.offload.csum_offset;
    packet.offload.checksum_partial = false;
    if (field + 2 > packet.size()) return;
    uint8_t* p = packet.data();
    if (packet.offload.csum_offset == sctp::kChecksum && field + 4 <= packet.size()) {
        std::memset(p + field, 0, 4);
        uint32_t crc = crc32c(packet.view().subspan(start));
        for (int i = 0; i < 4; i++) p[field + i] = static_cast<uint8_t>(crc >> (8 * i));
        return;
    }
    uint16_t check = checksum(packet.view().subspan(start));  // the field holds the pseudo header's sum
    store_be16(p + field, check ? check : 0xffff);
}

namespace {

struct Headers {
    size_t l3, l4, payload;  // offsets
    bool v6, tcp;
};

// Sets a segment's lengths and identification, and leaves its transport checksum partial.
void fix_headers(Packet& segment, const Headers& at, size_t index) {
    uint8_t* p = segment.data();
    uint8_t* ip = p + at.l3;
    size_t transport = segment.size() - at.l4;
    if (at.v6) {
        store_be16(ip + ipv6::kPayloadLength, static_cast<uint16_t>(segment.size() - at.l3 - ipv6::kHeader));
    } else {
        store_be16(ip + ipv4::kTotalLength, static_cast<uint16_t>(segment.size() - at.l3));
        store_be16(ip + ipv4::kId, static_cast<uint16_t>(load_be16(ip + ipv4::kId) + index));
        store_be16(ip + ipv4::kChecksum, 0);
        store_be16(ip + ipv4::kChecksum, checksum(ByteView(ip, at.l4 - at.l3)));
    }
    uint8_t protocol = at.tcp ? protocol::kTcp : protocol::kUdp;
    if (!at.tcp) store_be16(p + at.l4 + udp::kLength, static_cast<uint16_t>(transport));
    uint64_t sum;
    if (at.v6) {
        Ipv6Addr src, dst;
        std::memcpy(src.data(), ip + ipv6::kSrc, 16);
        std::memcpy(dst.data(), ip + ipv6::kDst, 16);
        sum = pseudo_header_sum6(src, dst, protocol, static_cast<uint32_t>(transport));
    } else {
        sum = pseudo_header_sum(ip, protocol, static_cast<uint32_t>(transport));
    }
    size_t field = at.tcp ? tcp::kChecksum : udp::kChecksum;
    store_be16(p + at.l4 + field, checksum_fold(sum));
    segment.offload = {};
    segment.offload.checksum_partial = true;
    segment.offload.csum_start = static_cast<uint16_t>(at.l4);
    segment.offload.csum_offset = static_cast<uint16_t>(field);
}

void fix_tcp(Packet& segment, const Headers& at, size_t payload_offset, bool first, bool last) {
    uint8_t* header = segment.data() + at.l4;
    store_be32(header + tcp::kSequence,
               load_be32(header + tcp::kSequence) + static_cast<uint32_t>(payload_offset));
    uint16_t flags = load_be16(header + tcp::kOffsetFlags);
    if (!last) flags &= static_cast<uint16_t>(~(tcp::kFin | tcp::kPsh));
    if (!first) flags &= static_cast<uint16_t>(~tcp::kCwr);
    store_be16(header + tcp::kOffsetFlags, flags);
}

bool find_headers(const Packet& packet, Headers& at) {
    Flow flow = zero_flow();
    // The tags and labels that extract() leaves unread are no obstacle here: walk them off first.
    size_t l3 = ethernet::kHeader;
    auto next = [&] { return l3 <= packet.size() ? load_be16(packet.data() + l3 - 2) : uint16_t{0}; };
    while (ethernet::is_vlan(next())) l3 += vlan::kHeader;
    uint16_t type = next();
    if (ethernet::is_mpls(type)) {
        bool bottom = false;
        for (; !bottom && l3 + mpls::kEntry < packet.size(); l3 += mpls::kEntry)
            bottom = load_be32(packet.data() + l3) & mpls::kBottom;
        if (!bottom) return false;
        type = packet.data()[l3] >> 4 == 4 ? ethernet::kIpv4 : ethernet::kIpv6;
    }
    size_t walked = l3 > ethernet::kHeader ? l3 : 0;
    if (walked > packet.size()) return false;
    if (walked) flow.packet_type = 1u << 16 | type;
    Layout layout = extract(packet.view().subspan(walked), flow);
    if (!layout.payload) return false;
    at.l3 = walked + layout.l3;
    at.l4 = walked + layout.l4;
    at.payload = walked + layout.payload;
    at.v6 = flow.dl_type == ethernet::kIpv6;
    at.tcp = flow.nw_proto == protocol::kTcp;
    bool udp = flow.nw_proto == protocol::kUdp;
    return packet.offload.gso_type == GsoType::kUdp ? udp : at.tcp;
}

}  // namespace

std::vector<Packet> segment(Packet packet, uint32_t packet_type) {
    std::vector<Packet> out;
    if (packet.offload.gso_type == GsoType::kNone) {
        finish_checksum(packet);
        out.push_back(std::move(packet));
        return out;
    }
    if (packet_type) {  // headers are looked for from Ethernet on
        std::memset(packet.push_front(ethernet::kHeader), 0, ethernet::kHeader);
        store_be16(packet.data() + ethernet::kType, static_cast<uint16_t>(packet_type));
        out = segment(std::move(packet));
        for (Packet& one : out) one.pull_front(ethernet::kHeader);
        return out;
    }
    Headers at;
    size_t size = packet.offload.gso_size;
    if (!size || !find_headers(packet, at)) return out;
    size_t total = packet.size() - at.payload;
    out.reserve(total / size + 1);
    ByteView header = packet.view().first(at.payload);
    for (size_t offset = 0; offset == 0 || offset < total; offset += size) {
        size_t take = std::min(size, total - offset);
        Bytes buffer(Packet::kHeadroom + header.size() + take);
        std::memcpy(buffer.data() + Packet::kHeadroom, header.data(), header.size());
        if (take) {
            std::memcpy(buffer.data() + Packet::kHeadroom + header.size(),
                        packet.data() + at.payload + offset, take);
        }
        Packet segment(std::move(buffer), Packet::kHeadroom, {});
        if (at.tcp) fix_tcp(segment, at, offset, offset == 0, offset + take == total);
        fix_headers(segment, at, out.size());
        finish_checksum(segment);
        out.push_back(std::move(segment));
    }
    return out;
}

std::vector<Packet> fragment_ipv4(const Packet& packet, size_t mtu) {
    std::vector<Packet> out;
    const uint8_t* p = packet.data();
    if (packet.size() < ipv4::kHeader) return out;
    size_t header = static_cast<size_t>(p[ipv4::kVersionLength] & 0x0f) * 4;
    if (header > packet.size() || mtu < header + 8) return out;
    size_t step = (mtu - header) / 8 * 8;
    size_t total = packet.size() - header;
    uint16_t base = load_be16(p + ipv4::kFragment);
    for (size_t offset = 0; offset < total; offset += step) {
        size_t take = std::min(step, total - offset);
        Packet fragment(packet.view().first(header));
        fragment.append(packet.view().subspan(header + offset, take));
        uint8_t* ip = fragment.data();
        uint16_t more = offset + take < total ? ipv4::kMoreFragments : base & ipv4::kMoreFragments;
        store_be16(ip + ipv4::kTotalLength, static_cast<uint16_t>(fragment.size()));
        store_be16(ip + ipv4::kFragment, static_cast<uint16_t>(((base & ipv4::kOffset) + offset / 8) | more));
        store_be16(ip + ipv4::kChecksum, 0);
        store_be16(ip + ipv4::kChecksum, checksum(ByteView(ip, header)));
        out.push_back(std::move(fragment));
    }
    return out;
}

std::vector<Packet> fragment_ipv6(const Packet& packet, size_t mtu, uint32_t id) {
    std::vector<Packet> out;
    if (packet.size() < ipv6::kHeader || mtu < ipv6::kHeader + ipv6::kFragmentHeader + 8) return out;
    size_t step = (mtu - ipv6::kHeader - ipv6::kFragmentHeader) / 8 * 8;
    size_t total = packet.size() - ipv6::kHeader;
    for (size_t offset = 0; offset < total; offset += step) {
        size_t take = std::min(step, total - offset);
        Packet fragment(packet.view().first(ipv6::kHeader));
        fragment.append_zeros(ipv6::kFragmentHeader);
        fragment.append(packet.view().subspan(ipv6::kHeader + offset, take));
        uint8_t* ip = fragment.data();
        uint8_t* extension = ip + ipv6::kHeader;
        extension[ipv6::kExtNextHeader] = ip[ipv6::kNextHeader];
        ip[ipv6::kNextHeader] = protocol::kFragment;
        store_be16(extension + ipv6::kFragmentOffset,
                   static_cast<uint16_t>(offset | (offset + take < total)));
        store_be32(extension + ipv6::kFragmentId, id);
        store_be16(ip + ipv6::kPayloadLength, static_cast<uint16_t>(fragment.size() - ipv6::kHeader));
        out.push_back(std::move(fragment));
    }
    return out;
}

}  // namespace weft::packet
