// Devices as ports through AF_XDP sockets (type=afxdp of ovs-vswitchd.conf.db(5)), one for each of their
// first n_rxq queues.
//
// Options: n_rxq (1), xdp-mode (best-effort, native-with-zerocopy, native, generic), use-need-wakeup (true).
// best-effort takes the first of the others, in this order, that the kernel and the driver allow; what is
// asked for by name and cannot be had is refused.
//
// A frame brings no offload state: a checksum that a veth's other end left to its device is known by its
// value (packet/unfinished.h), super-packets are cut before they are sent.  A tag that the kernel keeps
// beside a frame is lost: the other end of a veth must not leave it there (ethtool -K … txvlan off).

#pragma once

#include <memory>

#include "datapath/netdev/tc_filter.h"
#include "datapath/userspace/port.h"

namespace weft::datapath {

Result<std::unique_ptr<Port>> open_afxdp_port(PacketSink& sink, PortInfo info, const PortSpec& spec);

}  // namespace weft::datapath
