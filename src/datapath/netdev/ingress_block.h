// Keeps the host's network stack from receiving what arrives on a port.
//
// A device that belongs to a bridge is no interface of the host any more: only the switch's packet socket may
// see what comes in, or the host would answer pings, ARP and closed ports beside the virtual machines.  A
// clsact filter of one instruction drops everything at the device's ingress, which is behind the place where
// packet sockets get their copy.  It outlives the process, as a port stays one when the switch restarts;
// remove() takes it off.

#pragma once

#include <string>

#include "base/result.h"

namespace weft::datapath {

class IngressBlock {
  public:
    IngressBlock() = default;
    static Result<IngressBlock> install(int ifindex, const std::string& device);
    void remove();

  private:
    int ifindex_ = 0;
    bool made_qdisc_ = false;
};

}  // namespace weft::datapath
