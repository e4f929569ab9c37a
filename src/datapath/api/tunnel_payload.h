// What tunnels carry beside Ethernet, and how their headers say so: GRE by an Ethertype (RFC 2784), VXLAN by
// a protocol number where its generic protocol extension is used (draft-ietf-nvo3-vxlan-gpe section 3.2),
// GTP-U not at all.  The types are those of packet::Flow::packet_type.

#pragma once

#include <cstdint>
#include <optional>

#include "datapath/api/port_type.h"

namespace weft::datapath {

// Whether a tunnel, whose headers have these flags (packet::kTunnel…), has a way to carry such a packet.
bool carries(PortType type, uint16_t flags, uint32_t packet_type);

// The extension's number of a type, and back; nullopt: there is none.
std::optional<uint8_t> gpe_protocol(uint32_t packet_type);
std::optional<uint32_t> gpe_packet_type(uint8_t protocol);

// GRE's protocol.
uint16_t gre_protocol(uint32_t packet_type);

}  // namespace weft::datapath
