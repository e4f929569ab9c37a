// Changing headers in place, checksums kept right incrementally (RFC 1624).
//
// A checksum that was wrong stays wrong by the same amount, a UDP checksum of zero (none) stays zero, and one
// that a device left partial stays partial.  Functions that find no such header, or not all of it, return
// false and leave the packet alone.  They need the `Layout` of extract() and keep it right.

#pragma once

#include <optional>

#include "packet/address.h"
#include "packet/extract.h"

namespace weft::packet {

bool push_vlan(Packet& packet, Layout& layout, uint16_t tpid, uint16_t tci);  // tci: CFI bit is cleared
bool pop_vlan(Packet& packet, Layout& layout);
bool set_vlan_tci(Packet& packet, uint16_t tci, uint16_t mask);  // of the outermost tag

bool push_mpls(Packet& packet, Layout& layout, uint16_t ethertype, uint32_t lse);
bool pop_mpls(Packet& packet, Layout& layout, uint16_t ethertype);
bool set_mpls_lse(Packet& packet, const Layout& layout, uint32_t lse);

bool push_eth(Packet& packet, Layout& layout, const EthAddr& src, const EthAddr& dst, uint16_t ethertype);
bool pop_eth(Packet& packet, Layout& layout);
// A network service header (RFC 8300) with `metadata` (whole words) in front of everything.
bool push_nsh(Packet& packet, Layout& layout, const Nsh& header, ByteView metadata);
// Its next protocol; nullopt if there is none.
std::optional<uint8_t> pop_nsh(Packet& packet, Layout& layout);
// Flags, TTL, path, and context headers of metadata type 1.
bool set_nsh(Packet& packet, const Layout& layout, const Nsh& header);
bool set_eth(Packet& packet, const EthAddr& src, const EthAddr& dst);

// IPv4, values in host order.
bool set_ipv4(Packet& packet, const Layout& layout, uint32_t src, uint32_t dst, uint8_t tos, uint8_t ttl);
// IPv6; `label` is 20 bits.  A destination in front of a routing header with segments left is not part of the
// pseudo header (RFC 8200 section 8.1).
bool set_ipv6(Packet& packet, const Layout& layout, const Ipv6Addr& src, const Ipv6Addr& dst, uint32_t label,
              uint8_t tclass, uint8_t hop_limit);
// Ports of TCP, UDP or SCTP, by the IP protocol that the header in front names.
bool set_ports(Packet& packet, const Layout& layout, uint8_t protocol, uint16_t src, uint16_t dst);
bool set_icmp(Packet& packet, const Layout& layout, bool v6, uint8_t type, uint8_t code);
bool set_arp(Packet& packet, const Layout& layout, uint16_t op, const EthAddr& sha, uint32_t spa,
             const EthAddr& tha, uint32_t tpa);
// Target and link-layer options of a neighbour solicitation or advertisement; zero addresses leave the
// option.
bool set_nd(Packet& packet, const Layout& layout, const Ipv6Addr& target, const EthAddr& sll,
            const EthAddr& tll);
bool set_nd_extensions(Packet& packet, const Layout& layout, uint32_t reserved, uint8_t options_type);

}  // namespace weft::packet
