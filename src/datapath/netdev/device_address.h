// IPv4 of one of the host's devices, by the kernel's old way (netdevice(7), arp(7)): its address, the default
// route through it, its neighbours.  Addresses are in host order.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "packet/flow.h"

namespace weft::datapath {

struct DeviceAddress {
    uint32_t address = 0, netmask = 0;
    bool operator==(const DeviceAddress&) const = default;
};
// The first one; nullopt: it has none.
std::optional<DeviceAddress> device_address(const std::string& device);
// In place of the one that it has; the device is up then.
Result<void> set_device_address(const std::string& device, const DeviceAddress& address);
// A default route through it.  Nothing happens if there is one already.
Result<void> add_default_gateway(const std::string& device, uint32_t gateway);

// What the kernel has found out about a neighbour; nullopt: nothing yet.
std::optional<packet::EthAddr> device_neighbour(const std::string& device, uint32_t address);

}  // namespace weft::datapath
