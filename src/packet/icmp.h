// ICMP (RFC 792): offsets from the start of the message.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::icmp {

inline constexpr size_t kType = 0, kCode = 1, kChecksum = 2, kRest = 4, kHeader = 8;
inline constexpr uint8_t kEchoReply = 0, kUnreachable = 3, kEchoRequest = 8, kTimeExceeded = 11;

}  // namespace weft::packet::icmp
