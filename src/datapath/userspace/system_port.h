// System devices (veth, physical, VLAN, ...) as ports, through AF_PACKET sockets (packet(7)): one for each
// receive queue, one for each further thread that sends.
//
// The socket sees every frame that arrives (by receive_ring.h, where the kernel has it), in promiscuous mode,
// with its VLAN tag, partial checksum and GSO state; what the host itself sends on the device is not the
// switch's.  The host's own stack must not see the frames too, as a port of a bridge is no interface of the
// host: a filter at the device's ingress drops them once the socket has its copy (netdev/ingress_block.h).

#pragma once

#include <memory>

#include "datapath/netdev/tc_filter.h"
#include "datapath/userspace/port.h"

namespace weft::datapath {

// With so many queues, over which flows are spread by their hash.
Result<std::unique_ptr<Port>> open_system_port(PacketSink& sink, PortInfo info, unsigned queues = 1);

// A port that only sends: what the device receives is seen to by `filter`, which goes with the port.
Result<std::unique_ptr<Port>> open_sending_system_port(PacketSink& sink, PortInfo info, int ifindex,
                                                       TcFilter filter);

}  // namespace weft::datapath
