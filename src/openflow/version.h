// OpenFlow versions, their names, and the port numbers with a meaning of their own.
//
// Inside Weft ports are always 32-bit numbers of OpenFlow 1.1+; OpenFlow 1.0's 16-bit ones are converted when
// encoding and decoding (0xff00…0xffff become 0xffffff00…0xffffffff).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::openflow {

enum class Version : uint8_t { k10 = 1, k11 = 2, k12 = 3, k13 = 4, k14 = 5, k15 = 6 };
inline constexpr Version kAllVersions[] = {Version::k10, Version::k11, Version::k12,
                                           Version::k13, Version::k14, Version::k15};

const char* version_name(Version version);                    // "OpenFlow13"
std::optional<Version> parse_version(std::string_view text);  // "OpenFlow13", "OpenFlow1.3"
std::string version_bitmap_text(uint32_t bitmap);             // "0x01, 0x04" as in log lines

inline constexpr uint32_t version_bit(Version v) {
    return 1u << static_cast<uint8_t>(v);
}

// Reserved ports (OpenFlow 1.1+ numbers).
inline constexpr uint32_t kPortMax = 0xffffff00, kPortUnset = 0xfffffff7, kPortInPort = 0xfffffff8,
                          kPortTable = 0xfffffff9, kPortNormal = 0xfffffffa, kPortFlood = 0xfffffffb,
                          kPortAll = 0xfffffffc, kPortController = 0xfffffffd, kPortLocal = 0xfffffffe,
                          kPortNone = 0xffffffff;  // also "any"
inline constexpr uint16_t kPortMax10 = 0xff00;

inline constexpr uint16_t port_to_of10(uint32_t port) {
    return port >= kPortMax ? static_cast<uint16_t>(port) : static_cast<uint16_t>(port);
}
inline constexpr uint32_t port_from_of10(uint16_t port) {
    return port >= kPortMax10 ? 0xffff0000u | port : port;
}
// The 32-bit number of a peer as kept here; false if it is neither reserved nor below 0xff00.
inline constexpr bool port_in_range(uint32_t port) {
    return port < kPortMax10 || port >= kPortMax;
}

inline constexpr uint32_t kGroupMax = 0xffffff00, kGroupAll = 0xfffffffc, kGroupAny = 0xffffffff;
inline constexpr uint32_t kMeterMax = 0xffff0000, kMeterSlowpath = 0xfffffffd, kMeterController = 0xfffffffe,
                          kMeterAll = 0xffffffff;
inline constexpr uint8_t kTableAll = 0xff;
inline constexpr uint32_t kNoBuffer = 0xffffffff;

// Vendors ("experimenters").
inline constexpr uint32_t kVendorNicira = 0x00002320, kVendorOnf = 0x4f4e4600, kVendorNsh = 0x005ad650;

}  // namespace weft::openflow
