// ovn-ic-sbctl's commands, a table per file.

#pragma once

#include <span>

#include "cli/ctl/command.h"
#include "schema/icsb.h"

namespace weft::cli::ic_sbctl {

namespace icsb = schema::icsb;

std::span<const CtlCommand> overview_commands();    // show, init
std::span<const CtlCommand> connection_commands();  // *-connection, *-ssl

}  // namespace weft::cli::ic_sbctl
