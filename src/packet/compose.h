// Flow key to packet, and the packets that a switch or controller makes itself.
//
// All return Ethernet frames without padding, with every length and checksum right.

#pragma once

#include "base/result.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::packet {

// A packet whose extract() gives `flow` back, as `ofproto/trace` and `netdev-dummy/receive` make from text.
// Its transport payload is `payload_length` bytes (0x00, 0x01, ...); with `total_length` nonzero the payload
// is stretched so that the frame has that size.  Fields that no packet can have (an L4 port in a later
// fragment, ...) are ignored.
Packet compose(const Flow& flow, size_t payload_length = 64, size_t total_length = 0);

// ARP (RFC 826); opcode 1 request, 2 reply.  Addresses are host order.
Packet compose_arp(uint16_t opcode, const EthAddr& eth_src, const EthAddr& eth_dst, const EthAddr& sha,
                   uint32_t spa, const EthAddr& tha, uint32_t tpa);
// Neighbour solicitation for `target` with source link-layer option (RFC 4861 section 4.3), to the
// solicited-node multicast address.
Packet compose_nd_ns(const EthAddr& eth_src, const Ipv6Addr& ip_src, const Ipv6Addr& target);
// Neighbour advertisement with target link-layer option; `flags` are the upper bits of the reserved word: R
// 0x80000000, S 0x40000000, O 0x20000000 (RFC 4861 section 4.4).
Packet compose_nd_na(const EthAddr& eth_src, const EthAddr& eth_dst, const Ipv6Addr& ip_src,
                     const Ipv6Addr& ip_dst, const Ipv6Addr& target, uint32_t flags);

struct IpEndpoints {
    EthAddr eth_src{}, eth_dst{};
    bool v6 = false;
    uint32_t src = 0, dst = 0;  // host order
    Ipv6Addr ipv6_src{}, ipv6_dst{};
    uint8_t tos = 0, ttl = 64;
};
// An ICMP or ICMPv6 message: `rest` is the 4 bytes after the checksum (identifier and sequence number,
// unused, MTU), `body` what follows, for an error the offending packet from its IP header, cut to what RFC
// 792, RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 allow.
Packet compose_icmp(const IpEndpoints& ip, uint8_t type, uint8_t code, uint32_t rest, ByteView body);
Packet compose_udp(const IpEndpoints& ip, uint16_t src, uint16_t dst, ByteView payload);
Packet compose_tcp(const IpEndpoints& ip, uint16_t src, uint16_t dst, uint32_t seq, uint32_t ack,
                   uint16_t flags, uint16_t window, ByteView payload);
// An IP packet of any protocol.
Packet compose_ip(const IpEndpoints& ip, uint8_t protocol, ByteView payload);

}  // namespace weft::packet
