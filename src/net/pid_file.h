// The pid file: says which process serves, and is locked by it, so that a second one knows.
//
// Written beside its place and renamed over it; removed at exit() by the process that made it.

#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace weft::net {

// Errors: "PATH: already running as pid N, aborting", "PATH.tmp: create failed (…)".  `overwrite`: a running
// owner does not matter.
Result<void> create_pid_file(const std::string& path, bool overwrite);

// The process that a pid file names; an error if there is none, it is malformed, or nobody holds its lock.
Result<pid_t> read_pid_file(const std::string& path);

}  // namespace weft::net
