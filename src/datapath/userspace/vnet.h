// The virtio-net header (VIRTIO 1.2 section 5.1.6) that the kernel puts before packets of AF_PACKET sockets
// and TAP devices when asked: offloads to and from packet::Offload.

#pragma once

#include <cstdint>

#include "packet/packet.h"

namespace weft::datapath {

inline constexpr size_t kVnetHeader = 10;

// What a header says, or nothing the kernel does not mean by it.
packet::Offload read_vnet_header(const uint8_t* header);
void write_vnet_header(const packet::Packet& packet, uint8_t* header);

}  // namespace weft::datapath
