// 802.1Q tags (IEEE 802.1Q clause 9.6): TPID in the place of the Ethertype, then the TCI, then the next type.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::vlan {

inline constexpr size_t kTci = 2, kHeader = 4;  // from the TPID
inline constexpr uint16_t kVid = 0x0fff, kDei = 0x1000, kPcp = 0xe000;
inline constexpr int kPcpShift = 13;

}  // namespace weft::packet::vlan
