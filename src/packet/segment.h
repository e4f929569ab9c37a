// Finishing in software what a device left to do: partial checksums and super-packets.

#pragma once

#include <vector>

#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::packet {

// Computes a partial checksum; afterwards the packet has none.
void finish_checksum(Packet& packet);

// Cuts a super-packet into its segments, checksums finished: TCP (RFC 9293; sequence numbers, PSH and FIN on
// the last, CWR on the first only, IPv4 identification counting up) and UDP (each segment a datagram).  A
// packet that is none comes back alone, its checksum finished.  Empty if the headers do not fit what the
// offload says.  `packet_type`: as in Flow, of a packet without an Ethernet header.
std::vector<Packet> segment(Packet packet, uint32_t packet_type = 0);

// Cuts an IPv4 packet (from its IP header, checksum finished) into fragments of at most `mtu` bytes (RFC
// 791).
std::vector<Packet> fragment_ipv4(const Packet& packet, size_t mtu);
// The same for IPv6 (RFC 8200 section 4.5): a fragment header goes behind the fixed header, whose next header
// it takes.
std::vector<Packet> fragment_ipv6(const Packet& packet, size_t mtu, uint32_t id);

}  // namespace weft::packet
