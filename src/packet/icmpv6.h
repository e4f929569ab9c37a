// ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861): offsets from the start of the message.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::icmpv6 {

inline constexpr size_t kType = 0, kCode = 1, kChecksum = 2, kRest = 4, kHeader = 8;
inline constexpr uint8_t kUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kEchoRequest = 128,
                         kEchoReply = 129, kMldQuery = 130, kRouterSolicitation = 133,
                         kRouterAdvertisement = 134, kNeighbourSolicitation = 135,
                         kNeighbourAdvertisement = 136, kMldReport2 = 143;

// Neighbour solicitation and advertisement; options are type, length in units of 8 bytes, value.
inline constexpr size_t kNdReserved = 4, kNdTarget = 8, kNdOptions = 24;
inline constexpr uint8_t kNdSourceLinkLayer = 1, kNdTargetLinkLayer = 2;

}  // namespace weft::packet::icmpv6
