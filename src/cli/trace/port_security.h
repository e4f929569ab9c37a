// check_in_port_sec() and check_out_port_sec(): whether the port that a packet comes from may send it, and
// the port that it goes to may be sent it (ovn-nb(5), Logical_Switch_Port.port_security).

#pragma once

#include "cli/trace/network.h"
#include "packet/flow.h"

namespace weft::cli::trace {

bool may_send(const Datapath& datapath, const packet::Flow& packet);
bool may_receive(const Datapath& datapath, const packet::Flow& packet);

}  // namespace weft::cli::trace
