// log(): one line per packet that an access control list with logging matched, as operators' tools know it:
//
//   name="web", verdict=drop, severity=info, direction=from-lport: tcp,vlan_tci=0x0000,dl_src=…,tp_dst=80,…
//
// How many there may be is the ACL's meter's business, in the switch.

#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace weft::controller {

// `userdata` is what the action carries: verdict, severity, name.  nullopt if it is not that.
std::optional<std::string> acl_log_line(ByteView userdata, ByteView packet, bool from_lport);

}  // namespace weft::controller
