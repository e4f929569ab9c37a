// Data units of the Link Aggregation Control Protocol (IEEE 802.1AX-2014, 6.4.2.3), one of the "slow
// protocols" (IEEE 802.3, annex 57A): what follows the Ethernet header of a frame to 01:80:c2:00:00:02 with
// Ethertype 0x8809.
//
// Layout of a data unit, 110 bytes: subtype, version, three TLVs (actor and partner, 20 bytes each, and
// collector, 16 bytes), then zeros.  As the standard wants (6.4.12), a higher version and what follows the
// partner's TLV decide nothing; a wrong type or length of the actor's or partner's TLV makes the unit
// malformed.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::packet {

inline constexpr uint16_t kSlowProtocols = 0x8809;
inline constexpr EthAddr kSlowProtocolsAddress = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};
inline constexpr uint8_t kLacpSubtype = 1, kMarkerSubtype = 2;

// One end of a link, as it describes itself (actor) or as the other end sees it (partner).
struct LacpInfo {
    static constexpr uint8_t kActivity = 0x01, kTimeout = 0x02, kAggregation = 0x04, kSynchronized = 0x08,
                             kCollecting = 0x10, kDistributing = 0x20, kDefaulted = 0x40, kExpired = 0x80;
    uint16_t sys_priority = 0;  // lower is higher
    EthAddr sys_id{};
    uint16_t key = 0;
    uint16_t port_priority = 0, port_id = 0;
    uint8_t state = 0;
    bool operator==(const LacpInfo&) const = default;
};
// "activity timeout aggregation ..."; "" for none.
std::string lacp_state_text(uint8_t state);

struct LacpPdu {
    static constexpr size_t kSize = 110;
    LacpInfo actor, partner;
    uint16_t collector_delay = 0;  // tens of microseconds
    bool operator==(const LacpPdu&) const = default;

    Bytes encode() const;
    // nullopt: too short, of another subtype, or malformed.
    static std::optional<LacpPdu> decode(ByteView bytes);
};

// A whole frame around the data unit.
Bytes lacp_frame(const EthAddr& source, const LacpPdu& pdu);

}  // namespace weft::packet
