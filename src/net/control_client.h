// The other end of a control socket: what ovs-appctl does.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::net {

// The control socket of a running program: `target` is a socket's path, if it holds a slash, or the name of a
// program, whose process is found by its pid file in RUNDIR.
Result<std::string> find_control_socket(const std::string& target);

struct ControlAnswer {
    bool ok;  // the server says that the command succeeded
    std::string text;
};

// Blocks for at most `timeout_ms` (0: for as long as it takes).  The error is of the connection.
Result<ControlAnswer> run_control_command(const std::string& socket, const std::string& command,
                                          const std::vector<std::string>& arguments, int64_t timeout_ms);

}  // namespace weft::net
