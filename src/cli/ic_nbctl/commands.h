// ovn-ic-nbctl's commands, a table per file.

#pragma once

#include <span>

#include "cli/ctl/command.h"
#include "schema/icnb.h"

namespace weft::cli::ic_nbctl {

namespace icnb = schema::icnb;

std::span<const CtlCommand> switch_commands();      // ts-*, init
std::span<const CtlCommand> router_commands();      // tr-*, trp-*
std::span<const CtlCommand> connection_commands();  // *-connection, *-ssl

}  // namespace weft::cli::ic_nbctl
