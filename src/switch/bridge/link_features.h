// What a device says of its link (ethtool(8)), as OpenFlow describes ports: speeds and duplex, medium,
// negotiation (openflow/messages/port.h, kPort10MbHd …).  A device that does not know its speed has none.

#pragma once

#include "datapath/netdev/device_info.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

LinkFeatures features_of(const datapath::LinkModes& modes);

}  // namespace weft::vswitch
