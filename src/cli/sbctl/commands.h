// ovn-sbctl's commands, a table per file.

#pragma once

#include <span>

#include "cli/ctl/command.h"
#include "schema/sb.h"

namespace weft::cli::sbctl {

namespace sb = schema::sb;

std::span<const CtlCommand> chassis_commands();     // chassis-*, lsp-bind, lsp-unbind, init
std::span<const CtlCommand> flow_commands();        // lflow-list, dump-flows, count-flows, ip-multicast-flush
std::span<const CtlCommand> connection_commands();  // *-connection, *-ssl

}  // namespace weft::cli::sbctl
