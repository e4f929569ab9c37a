// ovs-vsctl(8).

#pragma once

#include "cli/ctl/command.h"

namespace weft::cli::vsctl {

CtlProgram program();

int run(int argc, char** argv);

}  // namespace weft::cli::vsctl
