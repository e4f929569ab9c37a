// Tunnel headers: Geneve, VXLAN, GRE and ERSPAN, built and parsed as bytes, without sockets.
//
// Outer IP and UDP are the kernel's; what is here starts behind them.

#pragma once

#include "base/bytes.h"
#include "datapath/api/datapath.h"
#include "packet/packet.h"

namespace weft::datapath {

// Puts the tunnel header in front of `packet`, an Ethernet frame without offloads.  packet::kTunnelCsum in
// key.flags is GRE's own checksum here; `sequence` is ERSPAN's.
void push_tunnel_header(packet::Packet& packet, PortType type, const packet::Tunnel& key,
                        uint32_t sequence = 0);
// The bytes that push_tunnel_header() adds.
size_t tunnel_header_size(PortType type, const packet::Tunnel& key);

// Whether a packet that starts with a GRE header is one of this type's.
bool is_for(ByteView bytes, PortType type);

// Reads the tunnel header at the start of `bytes` and fills id, flags, Geneve options, VXLAN group and
// ERSPAN's numbers of `key`.  The inner frame is what remains.
Result<ByteView> read_tunnel_header(ByteView bytes, PortType type, packet::Tunnel& key);

}  // namespace weft::datapath
