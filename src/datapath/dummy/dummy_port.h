// Dummy devices as ports of a datapath (dummy_device.h is what others see of them).

#pragma once

#include <memory>

#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

Result<std::unique_ptr<Port>> open_dummy_port(net::Loop& loop, PacketSink& sink, PortInfo info,
                                              const PortSpec& spec);

}  // namespace weft::datapath
