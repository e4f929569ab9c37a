// IPv4 (RFC 791): offsets from the start of the header.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::ipv4 {

inline constexpr size_t kVersionLength = 0, kTos = 1, kTotalLength = 2, kId = 4, kFragment = 6, kTtl = 8,
                        kProtocol = 9, kChecksum = 10, kSrc = 12, kDst = 16, kHeader = 20, kMaxHeader = 60;
inline constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000,
                          kOffset = 0x1fff;  // of kFragment; 8 bytes

}  // namespace weft::packet::ipv4

namespace weft::packet::protocol {  // of IPv4, and next headers of IPv6 (IANA protocol-numbers)

inline constexpr uint8_t kHopByHop = 0, kIcmp = 1, kIgmp = 2, kTcp = 6, kUdp = 17, kRouting = 43,
                         kFragment = 44, kGre = 47, kAh = 51, kIcmpv6 = 58, kNoNext = 59,
                         kDestinationOptions = 60, kSctp = 132, kMobility = 135, kUdpLite = 136;

}  // namespace weft::packet::protocol
