// IPv6 and its extension headers (RFC 8200): offsets from the start of the header.

#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/ipv4.h"

namespace weft::packet::ipv6 {

inline constexpr size_t kVersionClassLabel = 0, kPayloadLength = 4, kNextHeader = 6, kHopLimit = 7, kSrc = 8,
                        kDst = 24, kHeader = 40;
inline constexpr uint32_t kLabel = 0x000fffff;

// Extension headers: next header and length in units of 8 bytes beyond the first 8, AH (RFC 4302) in units of
// 4 bytes minus 2.
inline constexpr size_t kExtNextHeader = 0, kExtLength = 1, kExtMin = 8;
inline constexpr size_t kRoutingSegmentsLeft = 3;
inline constexpr size_t kFragmentOffset = 2, kFragmentId = 4,
                        kFragmentHeader = 8;  // offset: upper 13 bits; M: bit 0
inline constexpr uint16_t kFragmentOffsetMask = 0xfff8, kFragmentMore = 0x0001;

constexpr bool is_extension(uint8_t next_header) {
    return next_header == protocol::kHopByHop || next_header == protocol::kRouting ||
           next_header == protocol::kDestinationOptions || next_header == protocol::kAh ||
           next_header == protocol::kFragment;
}

}  // namespace weft::packet::ipv6
