// How clients reach the northbound database: *-connection, *-ssl.

#include "cli/ctl/connections.h"

#include "cli/nbctl/common.h"

namespace weft::cli::nbctl {

std::span<const CtlCommand> connection_commands() {
    return ConnectionCommands<nb::NBGlobal, nb::Connection, nb::SSL>::kCommands;
}

}  // namespace weft::cli::nbctl
