// What the kernel tells of one network device, asked by its name each time it is wanted.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft::datapath {

// ETHTOOL_GDRVINFO, ETHTOOL_GSET: for the Interface table.
struct DriverInfo {
    std::string driver, version, firmware;
};
std::optional<DriverInfo> driver_info(const std::string& device);
struct LinkModes {
    uint64_t bits_per_second = 0;  // 0: not known
    bool full_duplex = false, negotiates = false;
    uint8_t medium = 0;                      // PORT_TP, … (linux/ethtool.h)
    uint32_t supported = 0, advertised = 0;  // SUPPORTED_10baseT_Half, …
};
std::optional<LinkModes> link_modes(const std::string& device);
// Of a device that knows its speed.
std::optional<LinkModes> link_speed(const std::string& device);
int device_mtu(const std::string& device);  // 0: there is no such device

}  // namespace weft::datapath
