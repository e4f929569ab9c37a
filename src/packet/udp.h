// UDP (RFC 768): offsets from the start of the header.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::udp {

inline constexpr size_t kSrc = 0, kDst = 2, kLength = 4, kChecksum = 6, kHeader = 8;

}  // namespace weft::packet::udp
