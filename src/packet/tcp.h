// TCP (RFC 9293 section 3.1): offsets from the start of the header.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::tcp {

inline constexpr size_t kSrc = 0, kDst = 2, kSequence = 4, kAcknowledgment = 8, kOffsetFlags = 12,
                        kWindow = 14, kChecksum = 16, kUrgent = 18, kHeader = 20;
inline constexpr uint16_t kFlags =
    0x0fff;  // of the 16 bits at kOffsetFlags; the header's length is the upper 4
inline constexpr uint16_t kFin = 0x001, kSyn = 0x002, kRst = 0x004, kPsh = 0x008, kAck = 0x010, kUrg = 0x020,
                          kEce = 0x040, kCwr = 0x080, kNs = 0x100;

}  // namespace weft::packet::tcp
