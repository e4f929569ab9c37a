// BFD on tunnels (RFC 5880, by the switch): switched on where a gateway's being alive matters, with the
// parameters of SB_Global.options:bfd-*.

#pragma once

#include <set>
#include <string>

#include "controller/switch_ports.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

// Interface.bfd of tunnels: enabled to the chassis in `watched`, by name; of others switched off where it was
// on.  `options` are SB_Global's.
void keep_tunnel_bfd(const ovsdb::client::Replica& vswitch, const SwitchPorts& ports,
                     const std::set<std::string>& watched, const ovsdb::StringMap& options,
                     ovsdb::client::Transaction& txn);

}  // namespace weft::controller
