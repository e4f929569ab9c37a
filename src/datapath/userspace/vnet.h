// The virtio-net header (VIRTIO 1.2 section 5.1.6) that the kernel puts before packets of AF_PACKET sockets
// and TAP devices when asked: offloads to and from packet::Offload.  And the outermost VLAN tag, which the
// kernel keeps beside the frame.

#pragma once

#include <cstdint>

#include "packet/packet.h"

namespace weft::datapath {

inline constexpr size_t kVnetHeader = 10;

// What a header says, or nothing the kernel does not mean by it.
packet::Offload read_vnet_header(const uint8_t* header);
void write_vnet_header(const packet::Packet& packet, uint8_t* header);

// Puts back the tag of a frame that an AF_PACKET socket has received, if `status` (TP_STATUS_…, packet(7))
// says that it had one.
void restore_tag(packet::Packet& packet, uint32_t status, uint16_t tpid, uint16_t tci);

}  // namespace weft::datapath
