// The control commands that every daemon has: vlog/* (ovs-appctl(8)).

#pragma once

#include "net/control_server.h"

namespace weft::net {

void add_log_commands(ControlServer& control);

}  // namespace weft::net
