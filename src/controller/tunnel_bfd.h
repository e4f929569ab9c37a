// BFD on tunnels (RFC 5880, by the switch): switched on where a gateway's being alive matters, with the
// parameters of SB_Global.options:bfd-*, and what it says.

#pragma once

#include <set>
#include <string>

#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

// Interface.bfd of the bridge's tunnels: enabled to the chassis in `watched`, by name; of others switched off
// where it was on.  `options` are SB_Global's.
void keep_tunnel_bfd(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                     const std::set<std::string>& watched, const ovsdb::StringMap& options,
                     ovsdb::client::Transaction& txn);

// The chassis to which a session is up (Interface.bfd_status:state), by name.
std::set<std::string> chassis_alive(const ovsdb::client::Replica& vswitch,
                                    const schema::vswitch::Bridge& bridge);

}  // namespace weft::controller
