// Packets between switch and controller: OFPT_PACKET_IN (and Nicira's forms), OFPT_PACKET_OUT, NXT_RESUME.

#pragma once

#include <cstdint>

#include "openflow/action.h"
#include "openflow/match.h"

namespace weft::openflow {

enum class PacketInFormat : uint8_t { kStandard = 0, kNxm = 1, kNxm2 = 2 };

struct PacketIn {
    PacketInFormat format = PacketInFormat::kStandard;
    Bytes packet;            // perhaps cut to max_len
    uint32_t total_len = 0;  // of the whole packet
    uint32_t buffer_id = kNoBuffer;
    PacketInReason reason = PacketInReason::kNoMatch;
    uint8_t table = 0;
    uint64_t cookie = ~0ull;  // ~0: none
    Match metadata;           // in_port, registers, tunnel, … as exact matches
    Bytes userdata;           // kNxm2
    // kNxm2, of a pausing controller(): opaque properties that NXT_RESUME must carry back as they came.
    // Empty: the packet was not paused.
    Bytes continuation;

    uint32_t in_port() const { return metadata.value.in_port; }
    bool operator==(const PacketIn&) const = default;
};

// NXT_RESUME: a paused packet goes on, with its packet and metadata perhaps changed.
struct Resume {
    PacketIn packet_in;
    bool operator==(const Resume&) const = default;
};

struct PacketOut {
    uint32_t buffer_id = kNoBuffer;
    Match metadata;  // in_port (kPortController if unset); in OpenFlow 1.5 also registers, metadata, tunnel
    ActionList actions;
    Bytes packet;
    bool operator==(const PacketOut&) const = default;
};

const char* packet_in_reason_name(PacketInReason reason);
// "in_port=1 packet=HEX actions=…"
Result<PacketOut> parse_packet_out(std::string_view text, const Names* names = nullptr);
// An Ethernet frame in hexadecimal; white space between bytes does not count.
Result<Bytes> parse_frame(std::string_view hex);

}  // namespace weft::openflow
