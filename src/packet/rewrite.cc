#include "packet/rewrite.h"

#include "packet/arp.h"
#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmp.h"
#include "packet/icmpv6.h"
#include "packet/ipv6.h"
#include "packet/mpls.h"
#include "packet/nsh.h"
#include "packet/sctp.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "packet/vlan.h"

namespace weft::packet {

namespace {

void shift(Layout& layout, ptrdiff_t delta) {
    for (uint16_t* offset : {&layout.l2_5, &layout.l3, &layout.l4, &layout.payload, &layout.l3_end}) {
        if (*offset) *offset = static_cast<uint16_t>(*offset + delta);
    }
}

bool has(const Packet& packet, size_t offset, size_t size) {
    return offset && offset + size <= packet.size();
}

// The place of the Ethertype that says what follows all VLAN tags that extract() read; 0: no Ethernet header.
size_t type_offset(const Packet& packet, const Layout& layout) {
    size_t next = layout.l2_5 ? layout.l2_5 : layout.l3;
    if (next < ethernet::kHeader || next > packet.size()) return 0;
    size_t offset = next - 2;
    // Behind SNAP it is the same place: the type is always the two bytes in front of the next header.
    return offset;
}

// A checksum field that covers the pseudo header, and how it counts.
struct TransportChecksum {
    uint8_t* field = nullptr;
    bool partial = false;   // holds a sum, not its complement
    bool optional = false;  // UDP: zero means none
    void replace(uint16_t before, uint16_t after) {
        uint16_t value = load_be16(field);
        if (partial) {
            value = static_cast<uint16_t>(~checksum_update(static_cast<uint16_t>(~value), before, after));
        } else {
            if (optional && !value) return;
            value = checksum_update(value, before, after);
            if (optional && !value) value = 0xffff;
        }
        store_be16(field, value);
    }
    void replace(const uint8_t* before, const uint8_t* after, size_t size) {
        for (size_t i = 0; i < size; i += 2) replace(load_be16(before + i), load_be16(after + i));
    }
};

// Of the transport header at l4, if there is one with a checksum over addresses.  `v6` decides whether UDP's
// zero means none.
bool find_checksum(Packet& packet, const Layout& layout, uint8_t protocol, bool v6, TransportChecksum& out) {
    if (!layout.payload) return false;  // no complete header: a later fragment or cut short
    size_t field;
    switch (protocol) {
        case protocol::kTcp:
            field = tcp::kChecksum;
            break;
        case protocol::kUdp:
        case protocol::kUdpLite:
            field = udp::kChecksum;
            break;
        case protocol::kIcmpv6:
            if (!v6) return false;
            field = icmpv6::kChecksum;
            break;
        default:
            return false;
    }
    if (!has(packet, layout.l4, field + 2)) return false;
    out.field = packet.data() + layout.l4 + field;
    out.partial = packet.offload.checksum_partial && packet.offload.csum_start == layout.l4;
    out.optional = protocol == protocol::kUdp;
    return true;
}

void update_ip_checksum(uint8_t* ip, uint16_t before, uint16_t after) {
    store_be16(ip + ipv4::kChecksum, checksum_update(load_be16(ip + ipv4::kChecksum), before, after));
}

// The protocol behind the extension headers, and whether a routing header still changes the destination.
uint8_t ipv6_transport(const Packet& packet, const Layout& layout, bool& routed) {
    routed = false;
    const uint8_t* p = packet.data();
    uint8_t next = p[layout.l3 + ipv6::kNextHeader];
    size_t at = layout.l3 + ipv6::kHeader;
    while (ipv6::is_extension(next) && at + ipv6::kExtMin <= packet.size() && at < layout.l4) {
        if (next == protocol::kRouting && p[at + ipv6::kRoutingSegmentsLeft]) routed = true;
        size_t size = next == protocol::kFragment ? ipv6::kFragmentHeader
                      : next == protocol::kAh     ? (p[at + ipv6::kExtLength] + size_t{2}) * 4
                                                  : (p[at + ipv6::kExtLength] + size_t{1}) * 8;
        next = p[at];
        at += size;
    }
    return next;
}

}  // namespace

bool push_vlan(Packet& packet, Layout& layout, uint16_t tpid, uint16_t tci) {
    if (packet.size() < ethernet::kHeader) return false;
    uint8_t* p = packet.insert(ethernet::kType, vlan::kHeader);
    store_be16(p, tpid);
    store_be16(p + vlan::kTci, tci & static_cast<uint16_t>(~kVlanCfi));
    shift(layout, vlan::kHeader);
    return true;
}

bool pop_vlan(Packet& packet, Layout& layout) {
    if (packet.size() < ethernet::kHeader + vlan::kHeader) return false;
    if (!ethernet::is_vlan(load_be16(packet.data() + ethernet::kType))) return false;
    packet.erase(ethernet::kType, vlan::kHeader);
    shift(layout, -static_cast<ptrdiff_t>(vlan::kHeader));
    return true;
}

bool set_vlan_tci(Packet& packet, uint16_t tci, uint16_t mask) {
    if (packet.size() < ethernet::kHeader + vlan::kHeader) return false;
    uint8_t* p = packet.data() + ethernet::kType;
    if (!ethernet::is_vlan(load_be16(p))) return false;
    uint16_t old = load_be16(p + vlan::kTci);
    mask &= static_cast<uint16_t>(~kVlanCfi);
    store_be16(p + vlan::kTci, static_cast<uint16_t>((old & ~mask) | (tci & mask)));
    return true;
}

bool push_mpls(Packet& packet, Layout& layout, uint16_t ethertype, uint32_t lse) {
    size_t type = type_offset(packet, layout);
    if (!type) return false;
    uint8_t* p = packet.insert(type + 2, mpls::kEntry);
    store_be32(p, lse);
    store_be16(packet.data() + type, ethertype);
    size_t at = type + 2;
    shift(layout, mpls::kEntry);
    layout.l2_5 = static_cast<uint16_t>(at);
    return true;
}

bool pop_mpls(Packet& packet, Layout& layout, uint16_t ethertype) {
    if (!has(packet, layout.l2_5, mpls::kEntry)) return false;
    size_t at = layout.l2_5;
    bool bottom = load_be32(packet.data() + at) & mpls::kBottom;
    store_be16(packet.data() + at - 2, ethertype);
    packet.erase(at, mpls::kEntry);
    shift(layout, -static_cast<ptrdiff_t>(mpls::kEntry));
    layout.l2_5 = bottom || !ethernet::is_mpls(ethertype) ? 0 : static_cast<uint16_t>(at);
    return true;
}

bool set_mpls_lse(Packet& packet, const Layout& layout, uint32_t lse) {
    if (!has(packet, layout.l2_5, mpls::kEntry)) return false;
    store_be32(packet.data() + layout.l2_5, lse);
    return true;
}

bool push_eth(Packet& packet, Layout& layout, const EthAddr& src, const EthAddr& dst, uint16_t ethertype) {
    uint8_t* p = packet.push_front(ethernet::kHeader);
    std::memcpy(p + ethernet::kDst, dst.data(), 6);
    std::memcpy(p + ethernet::kSrc, src.data(), 6);
    store_be16(p + ethernet::kType, ethertype);
    bool labels = ethernet::is_mpls(ethertype);
    shift(layout, ethernet::kHeader);
    if (labels) layout.l2_5 = ethernet::kHeader;
    if (!layout.l3) layout.l3 = ethernet::kHeader;
    return true;
}

bool pop_eth(Packet& packet, Layout& layout) {
    size_t header = layout.l2_5 ? layout.l2_5 : layout.l3;
    if (!header || header > packet.size()) return false;
    packet.pull_front(header);
    shift(layout, -static_cast<ptrdiff_t>(header));
    return true;
}

bool push_nsh(Packet& packet, Layout& layout, const Nsh& header, ByteView metadata) {
    size_t size = nsh::kBase + metadata.size();
    if (metadata.size() % 4 || metadata.size() > nsh::kMaxMetadata) return false;
    uint8_t* p = packet.push_front(size);
    store_be16(p, static_cast<uint16_t>((header.flags << nsh::kFlagsShift & nsh::kFlags) |
                                        (header.ttl << nsh::kTtlShift & nsh::kTtl) | size / 4));
    p[nsh::kMdType] = header.mdtype;
    p[nsh::kNextProtocol] = header.np;
    store_be32(p + nsh::kPath, header.path_hdr);
    if (!metadata.empty()) std::memcpy(p + nsh::kContext, metadata.data(), metadata.size());
    layout = {};
    return true;
}

namespace {

// The length of the service header at `at`; 0 if it is damaged.
size_t nsh_length(const Packet& packet, size_t at) {
    if (at + nsh::kBase > packet.size()) return 0;
    uint16_t word = load_be16(packet.data() + at);
    size_t length = static_cast<size_t>(word & nsh::kLength) * 4;
    return word & nsh::kVersion || length < nsh::kBase || at + length > packet.size() ? 0 : length;
}

}  // namespace

std::optional<uint8_t> pop_nsh(Packet& packet, Layout& layout) {
    size_t length = nsh_length(packet, layout.l3);
    if (!length) return std::nullopt;
    uint8_t next = packet.data()[layout.l3 + nsh::kNextProtocol];
    packet.pull_front(layout.l3 + length);
    layout = {};
    return next;
}

bool set_nsh(Packet& packet, const Layout& layout, const Nsh& header) {
    size_t length = nsh_length(packet, layout.l3);
    if (!length) return false;
    uint8_t* p = packet.data() + layout.l3;
    store_be16(p, static_cast<uint16_t>((load_be16(p) & nsh::kLength) |
                                        (header.flags << nsh::kFlagsShift & nsh::kFlags) |
                                        (header.ttl << nsh::kTtlShift & nsh::kTtl)));
    store_be32(p + nsh::kPath, header.path_hdr);
    if (p[nsh::kMdType] == 1 && length >= nsh::kMdType1) {
        for (size_t i = 0; i < 4; i++) store_be32(p + nsh::kContext + 4 * i, header.context[i]);
    }
    return true;
}

bool set_eth(Packet& packet, const EthAddr& src, const EthAddr& dst) {
    if (packet.size() < ethernet::kHeader) return false;
    std::memcpy(packet.data() + ethernet::kDst, dst.data(), 6);
    std::memcpy(packet.data() + ethernet::kSrc, src.data(), 6);
    return true;
}

bool set_ipv4(Packet& packet, const Layout& layout, uint32_t src, uint32_t dst, uint8_t tos, uint8_t ttl) {
    if (!has(packet, layout.l3, ipv4::kHeader) || !layout.l4) return false;
    uint8_t* ip = packet.data() + layout.l3;
    TransportChecksum transport;
    bool covered = find_checksum(packet, layout, ip[ipv4::kProtocol], false, transport);
    auto address = [&](size_t offset, uint32_t value) {
        uint32_t old = load_be32(ip + offset);
        if (old == value) return;
        uint8_t bytes[4];
        store_be32(bytes, value);
        if (covered) transport.replace(ip + offset, bytes, 4);
        update_ip_checksum(ip, static_cast<uint16_t>(old >> 16), static_cast<uint16_t>(value >> 16));
        update_ip_checksum(ip, static_cast<uint16_t>(old), static_cast<uint16_t>(value));
        store_be32(ip + offset, value);
    };
    address(ipv4::kSrc, src);
    address(ipv4::kDst, dst);
    auto octet = [&](size_t offset, uint8_t value) {
        size_t word = offset & ~size_t{1};
        uint16_t old = load_be16(ip + word);
        ip[offset] = value;
        uint16_t now = load_be16(ip + word);
        if (old != now) update_ip_checksum(ip, old, now);
    };
    octet(ipv4::kTos, tos);
    octet(ipv4::kTtl, ttl);
    return true;
}

bool set_ipv6(Packet& packet, const Layout& layout, const Ipv6Addr& src, const Ipv6Addr& dst, uint32_t label,
              uint8_t tclass, uint8_t hop_limit) {
    if (!has(packet, layout.l3, ipv6::kHeader) || !layout.l4) return false;
    bool routed = false;
    uint8_t protocol = ipv6_transport(packet, layout, routed);
    uint8_t* ip = packet.data() + layout.l3;
    TransportChecksum transport;
    bool covered = find_checksum(packet, layout, protocol, true, transport);
    if (covered) transport.replace(ip + ipv6::kSrc, src.data(), 16);
    if (covered && !routed) transport.replace(ip + ipv6::kDst, dst.data(), 16);
    std::memcpy(ip + ipv6::kSrc, src.data(), 16);
    std::memcpy(ip + ipv6::kDst, dst.data(), 16);
    uint32_t word = load_be32(ip);
    store_be32(ip, (word & 0xf0000000) | static_cast<uint32_t>(tclass) << 20 | (label & ipv6::kLabel));
    ip[ipv6::kHopLimit] = hop_limit;
    return true;
}

bool set_ports(Packet& packet, const Layout& layout, uint8_t protocol, uint16_t src, uint16_t dst) {
    if (!layout.payload || !has(packet, layout.l4, 4)) return false;
    uint8_t* p = packet.data() + layout.l4;
    if (protocol == protocol::kSctp) {
        if (!has(packet, layout.l4, sctp::kHeader)) return false;
        bool partial = packet.offload.checksum_partial && packet.offload.csum_start == layout.l4;
        // A wrong checksum stays wrong: the difference that the change makes is carried over.
        ByteView whole = packet.view().subspan(layout.l4, layout.l3_end - layout.l4);
        uint8_t stored[4];
        std::memcpy(stored, p + sctp::kChecksum, 4);
        std::memset(p + sctp::kChecksum, 0, 4);
        uint32_t before = partial ? 0 : crc32c(whole);
        store_be16(p, src);
        store_be16(p + 2, dst);
        uint32_t change = partial ? 0 : before ^ crc32c(whole);
        for (int i = 0; i < 4; i++)
            p[sctp::kChecksum + i] = stored[i] ^ static_cast<uint8_t>(change >> (8 * i));
        return true;
    }
    TransportChecksum transport;
    if (!find_checksum(packet, layout, protocol, false, transport)) return false;
    if (!transport.partial) {  // a device that finishes the sum reads the ports itself
        transport.replace(load_be16(p), src);
        transport.replace(load_be16(p + 2), dst);
    }
    store_be16(p, src);
    store_be16(p + 2, dst);
    return true;
}

bool set_icmp(Packet& packet, const Layout& layout, bool v6, uint8_t type, uint8_t code) {
    if (!layout.payload || !has(packet, layout.l4, icmp::kHeader)) return false;
    uint8_t* p = packet.data() + layout.l4;
    bool partial = v6 && packet.offload.checksum_partial && packet.offload.csum_start == layout.l4;
    uint16_t old = load_be16(p);
    uint16_t now = static_cast<uint16_t>(type << 8 | code);
    store_be16(p, now);
    if (!partial) store_be16(p + icmp::kChecksum, checksum_update(load_be16(p + icmp::kChecksum), old, now));
    return true;
}

bool set_arp(Packet& packet, const Layout& layout, uint16_t op, const EthAddr& sha, uint32_t spa,
             const EthAddr& tha, uint32_t tpa) {
    if (!has(packet, layout.l3, arp::kHeader)) return false;
    uint8_t* p = packet.data() + layout.l3;
    store_be16(p + arp::kOperation, op);
    std::memcpy(p + arp::kSha, sha.data(), 6);
    store_be32(p + arp::kSpa, spa);
    std::memcpy(p + arp::kTha, tha.data(), 6);
    store_be32(p + arp::kTpa, tpa);
    return true;
}

bool set_nd(Packet& packet, const Layout& layout, const Ipv6Addr& target, const EthAddr& sll,
            const EthAddr& tll) {
    if (!layout.payload || !has(packet, layout.l4, icmpv6::kNdOptions)) return false;
    TransportChecksum check;
    if (!find_checksum(packet, layout, protocol::kIcmpv6, true, check)) return false;
    uint8_t* p = packet.data() + layout.l4;
    auto replace = [&](uint8_t* at, const uint8_t* value, size_t size) {
        if (!check.partial) check.replace(at, value, size);
        std::memcpy(at, value, size);
    };
    replace(p + icmpv6::kNdTarget, target.data(), 16);
    size_t end = (layout.l3_end ? layout.l3_end : packet.size()) - layout.l4;
    for (size_t at = icmpv6::kNdOptions; at + 8 <= end;) {
        size_t size = p[at + 1] * size_t{8};
        if (!size || at + size > end) break;
        const EthAddr* value = p[at] == icmpv6::kNdSourceLinkLayer   ? &sll
                               : p[at] == icmpv6::kNdTargetLinkLayer ? &tll
                                                                     : nullptr;
        if (value && size == 8 && !is_zero(*value)) replace(p + at + 2, value->data(), 6);
        at += size;
    }
    return true;
}

bool set_nd_extensions(Packet& packet, const Layout& layout, uint32_t reserved, uint8_t options_type) {
    if (!layout.payload || !has(packet, layout.l4, icmpv6::kNdOptions)) return false;
    TransportChecksum check;
    if (!find_checksum(packet, layout, protocol::kIcmpv6, true, check)) return false;
    uint8_t* p = packet.data() + layout.l4;
    auto replace = [&](uint8_t* at, const uint8_t* value, size_t size) {
        if (!check.partial) check.replace(at, value, size);
        std::memcpy(at, value, size);
    };
    uint8_t bytes[4];
    store_be32(bytes, reserved);
    replace(p + icmpv6::kNdReserved, bytes, 4);
    if (options_type && has(packet, layout.l4, icmpv6::kNdOptions + 8)) {
        uint8_t* option = p + icmpv6::kNdOptions;
        uint8_t changed[2] = {options_type, option[1]};
        replace(option, changed, 2);
    }
    return true;
}

}  // namespace weft::packet
