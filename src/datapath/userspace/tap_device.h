// Opening TAP devices with offload headers (IFF_VNET_HDR): super-packets and partial checksums pass both
// ways.

#pragma once

#include <string>

#include "base/descriptor.h"
#include "base/result.h"

namespace weft::datapath {

// Makes the device, or takes over one that is there, for as long as the descriptor is open.
Result<Descriptor> open_tap_device(const std::string& name);
// Makes it outlive the descriptor, or not.
void keep_tap_device(const Descriptor& tap, bool keep);
// No address of its own: the host must not announce itself on the device.
void disable_ipv6(const std::string& device);

}  // namespace weft::datapath
