// The database commands that all tools have: list find get set add remove clear create destroy wait-until
// comment, ovs-vsctl(8) "Database Command Syntax", and `show` by the program's CtlShow table.

#pragma once

#include <span>

#include "cli/ctl/command.h"

namespace weft::cli {

std::span<const CtlCommand> generic_commands();
extern const CtlCommand kGenericShow;  // used if CtlProgram::show is not empty

}  // namespace weft::cli
