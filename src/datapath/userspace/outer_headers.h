// The headers in front of a tunnel's own (tunnel_header.h), for packets that carry others through a bridge of
// the switch and see no socket: Ethernet, IPv4 or IPv6, and UDP.

#pragma once

#include "base/result.h"
#include "datapath/api/action.h"
#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::datapath {

// Puts all headers of `push` in front of a packet without offloads.  `hash`: of the inner packet,
// which chooses the UDP source port; `sequence`: GRE's or ERSPAN's.  False: it would be longer than IP
// allows. IPv4's identification is 0, as of packets that are not to be fragmented (RFC 6864).
bool push_outer_headers(packet::Packet& packet, const PushTunnel& push, uint32_t hash, uint32_t sequence);

// Puts the UDP, IP and Ethernet headers in front of a datagram that a socket gave without them, with the
// addresses, ports, TOS and TTL of `tunnel`; the Ethernet addresses are zero.
void push_received_headers(packet::Packet& packet, const packet::Tunnel& tunnel);

// Of a packet that carries another: fills addresses, TOS, TTL, ports and the checksum flag of `tunnel`.  What
// follows IP or UDP is returned.  Errors: no such headers, lengths or checksums that are wrong.
Result<ByteView> read_outer_headers(ByteView packet, const packet::Layout& layout, const packet::Flow& key,
                                    packet::Tunnel& tunnel);

}  // namespace weft::datapath
