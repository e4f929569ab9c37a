// How many connections the zones of this host may hold (ovn-nb(5): ct-zone-limit of Logical_Switch, whose
// ports each have that many, of Logical_Switch_Port, which goes before its switch's, and of Logical_Router,
// for each of its two zones).
//
// The switch is told by CT_Zone:limit of the local database (ovs-vswitchd.conf.db(5)), in the row of the
// bridge's kind of datapath.  Rows that others made keep what they say of time-outs; a limit that we set,
// which external_ids tells, is taken back when nobody asks for it any more.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controller/own_ports.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

// Of the zone with that name (ct_zones.h), if there is one.
std::optional<int64_t> limit_of_zone(SouthboundView& view, const std::string& name);

// By number of the zone.
std::map<uint16_t, int64_t> wanted_zone_limits(OwnPorts& own);

void keep_zone_limits(const ovsdb::client::Replica& vswitch, const schema::vswitch::OpenVSwitch& root,
                      const schema::vswitch::Bridge& bridge, const std::map<uint16_t, int64_t>& wanted,
                      ovsdb::client::Transaction& txn);

}  // namespace weft::controller
