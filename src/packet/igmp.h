// IGMP (RFC 2236, RFC 3376): offsets from the start of the message.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::igmp {

inline constexpr size_t kType = 0, kCode = 1, kChecksum = 2, kGroup = 4, kHeader = 8;

}  // namespace weft::packet::igmp
