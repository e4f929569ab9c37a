// Control messages of Bidirectional Forwarding Detection (RFC 5880, section 4.1; over UDP: RFC 5881).
//
// decode() reads what has the size of a message; why a message must be discarded, whatever session it is for,
// is what flaw() says (section 6.8.6, in its order).  Nothing here depends on a session: that is
// bfd_session.h.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace weft::packet {

inline constexpr uint16_t kBfdPort = 3784, kBfdSourcePort = 49152;  // RFC 5881, section 4
inline constexpr uint8_t kBfdTtl = 255;                             // section 5

enum class BfdState : uint8_t { kAdminDown = 0, kDown = 1, kInit = 2, kUp = 3 };
// Diagnostics (RFC 5880, 4.1).
enum class BfdDiag : uint8_t {
    kNone = 0,
    kControlDetectionExpired = 1,
    kEchoFailed = 2,
    kNeighborSignaledDown = 3,
    kForwardingPlaneReset = 4,
    kPathDown = 5,
    kConcatenatedPathDown = 6,
    kAdministrativelyDown = 7,
    kReverseConcatenatedPathDown = 8,
};
const char* bfd_state_name(BfdState state);  // "up"
const char* bfd_diag_name(BfdDiag diag);     // "Control Detection Time Expired"

// A control message without authentication; times in microseconds.
struct BfdMessage {
    static constexpr size_t kSize = 24;
    static constexpr uint8_t kPoll = 0x20, kFinal = 0x10, kControlPlaneIndependent = 0x08,
                             kAuthentication = 0x04, kDemand = 0x02, kMultipoint = 0x01;
    uint8_t version = 1;
    BfdDiag diag = BfdDiag::kNone;
    BfdState state = BfdState::kDown;
    uint8_t flags = 0;
    uint8_t multiplier = 3;
    uint8_t length = kSize;
    uint32_t my_discriminator = 0, your_discriminator = 0;
    uint32_t min_tx_us = 0, min_rx_us = 0, min_echo_rx_us = 0;

    Bytes encode() const;
    static std::optional<BfdMessage> decode(ByteView bytes);  // nullopt: too short

    // Why this message, which came in `size` bytes with `ttl`, must be discarded by any session; nullptr: it
    // need not be.
    const char* flaw(size_t size, uint8_t ttl) const;
};

}  // namespace weft::packet
