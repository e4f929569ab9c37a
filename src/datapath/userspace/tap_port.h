// Internal ports: TAP devices of the daemon's network namespace (IFF_VNET_HDR, so that super-packets and
// partial checksums pass both ways).
//
// The device is persistent: it keeps its addresses when the daemon restarts and is taken over again; it goes
// when the port is deleted.

#pragma once

#include <memory>

#include "datapath/netdev/links.h"
#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

Result<std::unique_ptr<Port>> open_tap_port(net::Loop& loop, Links& links, PacketSink& sink, PortInfo info,
                                            const PortSpec& spec);

}  // namespace weft::datapath
