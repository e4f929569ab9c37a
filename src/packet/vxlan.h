// VXLAN (RFC 7348 section 5), with group policy (draft-smith-vxlan-group-policy) and the generic protocol
// extension (draft-ietf-nvo3-vxlan-gpe): offsets from the start of
// the VXLAN header, which follows UDP.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::vxlan {

inline constexpr uint16_t kPort = 4789;
inline constexpr size_t kFlags = 0, kGbpId = 2, kVni = 4, kHeader = 8;
inline constexpr uint8_t kVniValid = 0x08, kGbpExtension = 0x80;          // of the byte at kFlags
inline constexpr uint8_t kGbpDontLearn = 0x40, kGbpPolicyApplied = 0x08;  // of the byte after it

// The generic protocol extension, in which what is carried need not be Ethernet.
inline constexpr uint16_t kGpePort = 4790;
inline constexpr uint8_t kNextProtocolValid = 0x04, kOam = 0x01;  // of the byte at kFlags
inline constexpr size_t kNextProtocol = 3;
enum : uint8_t { kIpv4 = 1, kIpv6 = 2, kEthernet = 3, kNsh = 4, kMpls = 5 };  // of the byte there

}  // namespace weft::packet::vxlan
