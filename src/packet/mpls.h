// MPLS label stack entries (RFC 3032 section 2.1): label (20 bits), traffic class (3), bottom of stack (1),
// TTL (8).

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::mpls {

inline constexpr size_t kEntry = 4;
inline constexpr uint32_t kLabel = 0xfffff000, kTc = 0xe00, kBottom = 0x100, kTtl = 0xff;
inline constexpr int kLabelShift = 12, kTcShift = 9;
inline constexpr uint32_t kIpv4ExplicitNull = 0, kIpv6ExplicitNull = 2;

}  // namespace weft::packet::mpls
