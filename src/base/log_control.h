// Where log lines go, and which: ovs-appctl(8) "LOGGING COMMANDS" and the daemons' "Logging Options".
//
// Three destinations, console (standard error), syslog and file, each with a level per module and a pattern.
// At the start all are at INFO and there is no file.  Everything here may be called from any thread.

#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace weft::log {

enum class Destination : uint8_t { kConsole, kSyslog, kFile };

// The program's name: %A, and the default file name.
void set_program(std::string name);

// A -v or vlog/set argument: words separated by spaces, commas or colons, of a module, a destination and a
// level each at most one (levels for all of what is not named), or PATTERN:DESTINATION:PATTERN, or
// FACILITY:NAME; "" means dbg.
Result<void> set(std::string_view spec);
// Of all modules.
void set_level(Destination destination, Level level);
// "libc", "null", "unix:FILE", "udp:IP:PORT".
Result<void> set_syslog_method(std::string_view method);

// Opens (appending) and logs that it did.
Result<void> open_file(const std::string& path);
// Closes and opens the same path again, after a rotation.
Result<void> reopen_file();
void close_file();
std::string file_path();  // "" if none was ever opened

std::string list_levels();    // vlog/list
std::string list_patterns();  // vlog/list-pattern

// vlog/disable-rate-limit and vlog/enable-rate-limit: of one module, or of all for "".
Result<void> enable_rate_limit(std::string_view module, bool enabled);

}  // namespace weft::log
