// The words of an invocation, split into the program's options and the commands with theirs.

#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "cli/ctl/command.h"
#include "net/daemon.h"

namespace weft::cli {

// A command as it was typed.
struct CtlInvocation {
    const CtlCommand* command;
    std::vector<std::string> arguments;
    std::map<std::string, std::string, std::less<>> options;
};

std::vector<const CtlCommand*> all_commands(const CtlProgram& program);

// Parses the program's `options` and the commands after them: [OPTION]... COMMAND [ARG]... [-- [OPTION]...
// COMMAND [ARG]...]... Options of the first command may stand among the program's.  `stop` is asked before
// commands are looked at: if it returns true (--help and such), there are none.  With --detach of `daemon`
// there must be none.
Result<std::vector<CtlInvocation>> parse_command_line(const CtlProgram& program, OptionTable options,
                                                      const std::vector<std::string>& words, const bool& stop,
                                                      const net::DaemonOptions* daemon = nullptr);

}  // namespace weft::cli
