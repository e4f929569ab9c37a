#include "datapath/netdev/device_info.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "datapath/netdev/device_request.h"

namespace weft::datapath {

namespace {

// One ethtool request; false if the device does not answer it.
bool ethtool(const std::string& name, void* request) {
    DeviceRequest device(name);
    device.request().ifr_data = static_cast<char*>(request);
    return device.make(SIOCETHTOOL);
}

}  // namespace

std::optional<DriverInfo> driver_info(const std::string& device) {
    ethtool_drvinfo info = {};
    info.cmd = ETHTOOL_GDRVINFO;
    if (!ethtool(device, &info)) return std::nullopt;
    return DriverInfo{info.driver, info.version, info.fw_version};
}

int device_mtu(const std::string& name) {
    DeviceRequest device(name);
    return device.make(SIOCGIFMTU) ? device.request().ifr_mtu : 0;
}

std::optional<LinkModes> link_modes(const std::string& device) {
    ethtool_cmd command = {};
    command.cmd = ETHTOOL_GSET;
    if (!ethtool(device, &command)) return std::nullopt;
    uint32_t megabits = ethtool_cmd_speed(&command);
    if (megabits == static_cast<uint32_t>(SPEED_UNKNOWN) || megabits == 0xffff) megabits = 0;
    LinkModes modes;
    modes.bits_per_second = uint64_t{megabits} * 1000000;
    modes.full_duplex = command.duplex == DUPLEX_FULL;
    modes.negotiates = command.autoneg;
    modes.medium = command.port;
    modes.supported = command.supported;
    modes.advertised = command.advertising;
    return modes;
}

std::optional<LinkModes> link_speed(const std::string& device) {
    std::optional<LinkModes> modes = link_modes(device);
    if (modes && !modes->bits_per_second) modes.reset();
    return modes;
}

}  // namespace weft::datapath
