// Tunnel ports on the host's own addresses and routes, for IPv4 and IPv6 underlays.
//
// Received: Geneve, VXLAN and GTP-U by UDP sockets bound to the tunnel's port, GRE by raw sockets, so that
// the kernel reassembles fragments, verifies outer checksums and does not answer that the port or protocol is
// unreachable.  TCP segments that follow each other are joined to super-packets (packet/coalesce.h).
//
// Sent: by UDP sockets, of which a hash of the inner packet chooses one, so that its source port spreads
// flows (RFC 8926 section 3.3); the kernel finds the route, the neighbour and, unless the key names one, the
// source address, and computes the outer checksum.  A TCP super-packet is cut to what the path takes and goes
// to the kernel as one train of datagrams (UDP_SEGMENT).  "Don't fragment" is asked of the kernel; where the
// path is too narrow for a packet that cannot be cut, it goes in fragments all the same: inner senders that
// know nothing of the tunnel get through.

//
// With `links` the port has a device of its name on which its inner packets can be seen (capture_device.h).

#pragma once

#include <memory>

#include "datapath/netdev/links.h"
#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

Result<std::unique_ptr<Port>> open_tunnel_port(net::Loop& loop, PacketSink& sink, PortInfo info,
                                               Links* links = nullptr);

}  // namespace weft::datapath
