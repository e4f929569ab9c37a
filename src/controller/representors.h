// The representors of a network adapter that forwards by itself (switchdev mode): the devices by which a host
// reaches what is plugged into a virtual function.  Found as the kernel shows them in sysfs
// (Documentation/ABI/testing/sysfs-class-net of Linux): those of one adapter have one phys_switch_id, and a
// phys_port_name "pfXvfN", with "cY" before it on adapters with several hosts.

#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "packet/flow.h"

namespace weft::controller {

// The name of the device that stands for virtual function `vf` of the physical function with this Ethernet
// address.  `root`: "/sys/class/net", or a folder that looks like it.
Result<std::string> find_representor(const std::string& root, const packet::EthAddr& pf_mac, uint32_t vf);

}  // namespace weft::controller
