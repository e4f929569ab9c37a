// Keeps the host's network stack from receiving what arrives on a port.
//
// A device that belongs to a bridge is no interface of the host any more: only the switch's packet socket may
// see what comes in, or the host would answer pings, ARP and closed ports beside the virtual machines.  A
// filter of one instruction drops everything at the device's ingress, which is behind the place where packet
// sockets get their copy.

#pragma once

#include <string>

#include "base/result.h"
#include "datapath/netdev/tc_filter.h"

namespace weft::datapath {

Result<TcFilter> install_ingress_block(int ifindex, const std::string& device);

}  // namespace weft::datapath
