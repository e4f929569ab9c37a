// ERSPAN (draft-foschiano-erspan-03): a mirrored frame behind GRE with a sequence number.  Version 1 (type
// II) has an index, version 2 (type III) a time, the direction and the number of what mirrors.  Offsets in
// bytes from the start of the ERSPAN header.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::erspan {

inline constexpr uint16_t kProtocol1 = 0x88be, kProtocol2 = 0x22eb;  // GRE's, by version
inline constexpr size_t kHeader1 = 8, kHeader2 = 12;
inline constexpr size_t kVersionVlan = 0;  // version << 12 | VLAN
inline constexpr size_t kSession = 2;      // cos << 13 | encapsulation << 11 | t << 10 | session
inline constexpr size_t kIndex = 4;        // 20 bits, of version 1
inline constexpr size_t kTime = 4, kGroup = 8, kHardware = 10;  // of version 2
inline constexpr uint32_t kMostSession = 0x3ff, kMostIndex = 0xfffff;
inline constexpr uint8_t kMostHardware = 0x3f;
inline constexpr int kVersionShift = 12, kCosShift = 13;
inline constexpr uint16_t kTagged = 2 << 11;    // the frame keeps its 802.1Q tag
inline constexpr uint16_t kDirection = 1 << 3;  // at kHardware: bits of the number around it
inline constexpr int kHardwareShift = 4;

}  // namespace weft::packet::erspan
