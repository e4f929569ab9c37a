// Bridge protocol data units: the messages of the spanning tree protocols (IEEE 802.1D-2004, clause 9).
//
// A BPDU is what follows the LLC header (42 42 03) of an 802.3 frame to 01:80:c2:00:00:00.  There are three:
// Configuration and Topology Change Notification of STP (802.1D-1998, 9.3.1 and 9.3.2), and the RST BPDU of
// RSTP (802.1D-2004, 9.3.3).  Numbers are host order here; times count 1/256 s, as on the wire.
//
// decode() reads any bytes at all.  What clause 9.3.4 calls invalid is refused with the reason.

#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::packet {

inline constexpr EthAddr kBridgeGroupAddress = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};

// Priority (16 bits; of RSTP 4, and 12 of a system id extension) and address of a bridge (9.2.5).
constexpr uint64_t bridge_id(uint16_t priority, const EthAddr& address) {
    uint64_t id = priority;
    for (uint8_t byte : address) id = id << 8 | byte;
    return id;
}
constexpr uint16_t bridge_priority(uint64_t id) {
    return static_cast<uint16_t>(id >> 48);
}
constexpr EthAddr bridge_address(uint64_t id) {
    EthAddr out{};
    for (int i = 5; i >= 0; --i, id >>= 8) out[static_cast<size_t>(i)] = static_cast<uint8_t>(id);
    return out;
}

struct Bpdu {
    enum class Type : uint8_t { kConfiguration = 0x00, kRst = 0x02, kTopologyChange = 0x80 };
    // Flags of Configuration (the first and last) and RST BPDUs (9.3.3).
    static constexpr uint8_t kTopologyChangeFlag = 0x01, kProposal = 0x02, kRoleMask = 0x0c, kLearning = 0x10,
                             kForwarding = 0x20, kAgreement = 0x40, kAcknowledgment = 0x80;
    enum class Role : uint8_t { kUnknown = 0, kAlternateOrBackup = 1, kRoot = 2, kDesignated = 3 };
    static constexpr uint16_t kSecond = 256;

    Type type = Type::kConfiguration;
    uint8_t version = 0;
    uint8_t flags = 0;
    uint64_t root = 0;  // bridge id
    uint32_t root_path_cost = 0;
    uint64_t bridge = 0;
    uint16_t port = 0;
    uint16_t message_age = 0, max_age = 0, hello_time = 0, forward_delay = 0;
    bool operator==(const Bpdu&) const = default;

    Role role() const { return static_cast<Role>((flags & kRoleMask) >> 2); }
    Bytes encode() const;
    // Without the LLC header.
    static Result<Bpdu> decode(ByteView bytes);
    // Of a whole frame, its Ethernet and LLC headers checked.
    static Result<Bpdu> decode_frame(ByteView frame);
    // The frame in which it goes out, not padded.
    Packet frame(const EthAddr& source) const;
};

}  // namespace weft::packet
