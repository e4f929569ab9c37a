// Daemon mode (ovn-nbctl(8), "Daemon Mode"): a process that keeps a copy of the database and runs the
// commands of others, who find it by its control socket.

#pragma once

#include <string>
#include <vector>

#include "cli/ctl/command.h"
#include "cli/ctl/command_line.h"
#include "net/daemon.h"

namespace weft::cli {

// The options that the daemon's `run` accepts, and that belong to an invocation wherever it runs.
void add_run_options(const CtlProgram& program, OptionTable& options, CtlSettings& settings);

// Becomes the daemon: prints its control socket's path, then serves `run` and `exit`.  `settings` say which
// database.
Result<int> serve_ctl(const CtlProgram& program, const CtlSettings& settings, net::DaemonOptions& daemon);

// Has the daemon at `socket` run the invocations; `options` are those of add_run_options(), as words.  Prints
// what they print and returns the exit code.
Result<int> run_at_daemon(const CtlProgram& program, const std::string& socket,
                          const std::vector<std::string>& options,
                          const std::vector<CtlInvocation>& invocations, int timeout_s);

// As if by alarm(2): how a program ends whose --timeout is over.
[[noreturn]] void end_by_alarm();

}  // namespace weft::cli
