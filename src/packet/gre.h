// GRE (RFC 2784, keys and sequence numbers RFC 2890): offsets from the start of the header.  The optional
// words follow in the order checksum, key, sequence.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::gre {

inline constexpr size_t kFlags = 0, kProtocol = 2, kHeader = 4, kWord = 4;
inline constexpr uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000,
                          kVersion = 0x0007;

}  // namespace weft::packet::gre
