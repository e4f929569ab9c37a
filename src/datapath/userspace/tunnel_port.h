// Tunnel ports on the host's own addresses and routes, for IPv4 and IPv6 underlays.
//
// Received: Geneve and VXLAN by UDP sockets bound to the tunnel's port, GRE by raw sockets, so that the
// kernel reassembles fragments, verifies outer checksums and does not answer that the port or protocol is
// unreachable.
//
// Sent: by raw sockets, so that the UDP source port can be the inner packet's hash (RFC 8926 section 3.3);
// the kernel finds the route, the neighbour and, unless the key names one, the source address.  Super-packets
// are segmented before.  "Don't fragment" is asked of the kernel; if the path is too narrow for that, the
// packet goes in fragments all the same: inner senders that know nothing of the tunnel get through.

#pragma once

#include <memory>

#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

Result<std::unique_ptr<Port>> open_tunnel_port(net::Loop& loop, PacketSink& sink, PortInfo info);

}  // namespace weft::datapath
