// The network service header (RFC 8300 section 2): offsets from its start.  Length and TTL share the first 16
// bits.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::nsh {

inline constexpr size_t kVersionFlagsTtlLength = 0, kMdType = 2, kNextProtocol = 3, kPath = 4, kContext = 8,
                        kBase = 8, kMdType1 = 24, kMaxMetadata = 240;
inline constexpr uint16_t kVersion = 0xc000, kFlags = 0x3000, kTtl = 0x0fc0, kLength = 0x003f;
// Next protocols.
inline constexpr uint8_t kIpv4 = 1, kIpv6 = 2, kEthernet = 3, kNsh = 4, kMpls = 5;
inline constexpr int kFlagsShift = 12, kTtlShift = 6;

}  // namespace weft::packet::nsh
