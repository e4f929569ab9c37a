// SCTP (RFC 9260 section 3.1): offsets from the start of the common header.  The checksum is CRC32c (appendix
// A).

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::sctp {

inline constexpr size_t kSrc = 0, kDst = 2, kTag = 4, kChecksum = 8, kHeader = 12;

}  // namespace weft::packet::sctp
