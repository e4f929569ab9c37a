// Tunnel headers: Geneve, VXLAN and GRE, built and parsed as bytes, without sockets.
//
// Outer IP and, when received, outer UDP are the kernel's: what is here starts at the tunnel header, for
// sending at the UDP header.

#pragma once

#include "base/bytes.h"
#include "datapath/api/datapath.h"
#include "packet/packet.h"

namespace weft::datapath {

// Puts UDP (for Geneve and VXLAN) and tunnel header in front of `packet`, an Ethernet frame without offloads.
// `src_port` is UDP's; with packet::kTunnelCsum in key.flags the checksum is computed with the outer
// addresses of `key` (src included), or GRE's own.
void push_tunnel_header(packet::Packet& packet, PortType type, const packet::Tunnel& key, uint16_t src_port,
                        uint16_t dst_port);
// The bytes that push_tunnel_header() adds.
size_t tunnel_header_size(PortType type, const packet::Tunnel& key);

// Strips the tunnel header (Geneve, VXLAN: behind UDP) and fills id, flags, Geneve options and VXLAN group of
// `key`; the inner frame stays.
Result<void> pull_tunnel_header(packet::Packet& packet, PortType type, packet::Tunnel& key);

}  // namespace weft::datapath
