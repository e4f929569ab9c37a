// Geneve (RFC 8926 section 3.4): offsets from the start of the Geneve header, which follows UDP.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::geneve {

inline constexpr uint16_t kPort = 6081;
inline constexpr size_t kVersionLength = 0, kFlags = 1, kProtocol = 2, kVni = 4, kHeader = 8;
inline constexpr uint8_t kVersion = 0xc0, kOptionsLength = 0x3f;  // of kVersionLength; units of 4 bytes
inline constexpr uint8_t kOam = 0x80, kCritical = 0x40;           // of kFlags
inline constexpr size_t kMaxOptions = 252;

// An option: class (16), type (8), reserved (3) and length (5) in units of 4 bytes, value.
inline constexpr size_t kOptionClass = 0, kOptionType = 2, kOptionLength = 3, kOptionHeader = 4;
inline constexpr uint8_t kOptionCritical = 0x80, kOptionLengthMask = 0x1f;

}  // namespace weft::packet::geneve
