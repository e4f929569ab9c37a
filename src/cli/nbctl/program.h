// ovn-nbctl(8).

#pragma once

#include "cli/ctl/command.h"

namespace weft::cli::nbctl {

CtlProgram program();

int run(int argc, char** argv);

}  // namespace weft::cli::nbctl
