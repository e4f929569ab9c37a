// What the kernel tells of one network device, asked by its name each time it is wanted.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft::datapath {

// ETHTOOL_GDRVINFO, ETHTOOL_GLINKSETTINGS: for the Interface table.
struct DriverInfo {
    std::string driver, version, firmware;
};
std::optional<DriverInfo> driver_info(const std::string& device);
struct LinkSpeed {
    uint64_t bits_per_second = 0;
    bool full_duplex = false;
};
std::optional<LinkSpeed> link_speed(const std::string& device);
int device_mtu(const std::string& device);  // 0: there is no such device

}  // namespace weft::datapath
