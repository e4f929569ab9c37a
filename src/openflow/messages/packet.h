// Packets between switch and controller (OpenFlow 1.5.1 sections 7.3.6, 7.4.1; NXT_PACKET_IN2, NXT_RESUME).

#pragma once

#include <cstdint>

#include "openflow/action.h"
#include "openflow/match.h"
#include "openflow/version.h"

namespace weft::openflow {

struct PacketIn {
    Bytes packet;
    uint32_t total_length = 0;  // of the packet before it was cut; 0: packet.size()
    uint32_t buffer_id = kNoBuffer;
    PacketInReason reason = PacketInReason::kNoMatch;
    uint8_t table = 0;
    uint64_t cookie = ~uint64_t{0};
    Match metadata;      // exact values of the fields of the switch: in_port, metadata, registers, tunnel, ct
    Bytes userdata;      // of the controller action; NXT_PACKET_IN2 only
    Bytes continuation;  // opaque to the controller; NXT_PACKET_IN2 only, of paused pipelines
};

// How a PacketIn goes on the wire.
enum class PacketInFormat : uint8_t { kStandard, kNicira, kNicira2 };

// NXT_RESUME: the packet-in, with what the controller changed.
struct Resume {
    PacketIn packet_in;
};

struct PacketOut {
    uint32_t buffer_id = kNoBuffer;
    Match metadata;  // in_port, and in OpenFlow 1.5 any pipeline field
    ActionList actions;
    Bytes packet;  // if buffer_id is kNoBuffer

    uint32_t in_port() const { return metadata.value.in_port; }
};

}  // namespace weft::openflow
