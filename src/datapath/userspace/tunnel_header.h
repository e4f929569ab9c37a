// Tunnel headers: Geneve, VXLAN, GRE, ERSPAN and GTP-U, built and parsed as bytes, without sockets.
//
// Outer IP and UDP are the kernel's; what is here starts behind them.  Packets that are not Ethernet go
// through GRE, VXLAN with its generic protocol extension, and GTP-U (docs/decisions/0095-layer-3-tunnels.md).

#pragma once

#include "base/bytes.h"
#include "datapath/api/datapath.h"
#include "packet/packet.h"

namespace weft::datapath {

// Puts the tunnel header in front of `packet`, without offloads and of a type that the tunnel carries
// (tunnel_payload.h). packet::kTunnelCsum in key.flags is GRE's own checksum here; `sequence` is GRE's and
// ERSPAN's.
void push_tunnel_header(packet::Packet& packet, PortType type, const packet::Tunnel& key,
                        uint32_t packet_type = 0, uint32_t sequence = 0);
// The bytes that push_tunnel_header() adds.
size_t tunnel_header_size(PortType type, const packet::Tunnel& key);

// Whether a packet that starts with a GRE header is one of this type's.
bool is_for(ByteView bytes, PortType type);

struct TunnelPayload {
    ByteView bytes;            // the inner packet
    uint32_t packet_type = 0;  // its type
    // Nothing is carried: the message is between the tunnel's ends, and `bytes` is all of it.  As a packet it
    // is what came, outer headers and all (outer_headers.h).
    bool message = false;
};

// Reads the tunnel header at the start of `bytes` and fills id, flags, Geneve options, VXLAN group, ERSPAN's
// numbers and GTP-U's flags and type of `key`.
Result<TunnelPayload> read_tunnel_header(ByteView bytes, PortType type, packet::Tunnel& key);

}  // namespace weft::datapath
