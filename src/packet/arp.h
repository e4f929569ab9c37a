// ARP for IPv4 over Ethernet (RFC 826): offsets from the start of the ARP header.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::packet::arp {

inline constexpr size_t kHardware = 0, kProtocol = 2, kHardwareLength = 4, kProtocolLength = 5,
                        kOperation = 6, kSha = 8, kSpa = 14, kTha = 18, kTpa = 24, kHeader = 28;
inline constexpr uint16_t kEthernet = 1, kRequest = 1, kReply = 2;

}  // namespace weft::packet::arp
