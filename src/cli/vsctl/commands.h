// ovs-vsctl's commands, a table per file, and what the files share.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/vsctl/layout.h"

namespace weft::cli::vsctl {

std::span<const CtlCommand> bridge_commands();
std::span<const CtlCommand> port_commands();
std::span<const CtlCommand> connection_commands();  // controllers, managers, SSL
std::span<const CtlCommand> switch_commands();      // init, emer-reset, auto-attach, zones, datapaths

// A port with interfaces of the given names; added to the bridge.  Returns the Port.
Uuid insert_port(db::Transaction& transaction, const Uuid& bridge, const std::string& name,
                 const std::vector<std::string>& interfaces, const char* interface_type = "");
// The port, its interfaces, and its bridge's reference to it.
void delete_port(db::Transaction& transaction, const Layout& layout, const std::string& name);

}  // namespace weft::cli::vsctl
