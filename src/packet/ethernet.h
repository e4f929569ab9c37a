// Ethernet II and 802.3 (IEEE 802.3 clause 3), LLC/SNAP (IEEE 802.2): offsets in bytes from the destination
// address.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::ethernet {

inline constexpr size_t kDst = 0, kSrc = 6, kType = 12, kHeader = 14;
inline constexpr size_t kLlcSnap = 8;          // aa aa 03 00 00 00 and the Ethertype
inline constexpr uint16_t kMinType = 0x0600;   // smaller: a length
inline constexpr uint16_t kTypeNone = 0x05ff;  // Flow::dl_type of 802.3 without SNAP

inline constexpr uint16_t kIpv4 = 0x0800, kArp = 0x0806, kTransparentBridging = 0x6558, kRarp = 0x8035,
                          kVlan = 0x8100, kIpv6 = 0x86dd, kMpls = 0x8847, kMplsMulticast = 0x8848,
                          kQinq = 0x88a8, kNsh = 0x894f;

constexpr bool is_vlan(uint16_t type) {
    return type == kVlan || type == kQinq;
}
constexpr bool is_mpls(uint16_t type) {
    return type == kMpls || type == kMplsMulticast;
}

}  // namespace weft::packet::ethernet
