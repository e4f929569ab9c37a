// What the Datapath table of the Open_vSwitch database says of a datapath: connection-tracking zones with
// their limits and timeout policies, and what we write there, its capabilities (ovs-vswitchd.conf.db(5)).

#pragma once

#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

// Carries out the row, or, for nullptr, what holds without one.  Limits that ovs-appctl set on zones that the
// row does not limit stay.
void configure_zones(const ovsdb::client::Replica& replica, const schema::vswitch::Datapath* row,
                     Backer& backer);

ovsdb::StringMap capabilities(const datapath::Datapath::Features& features);

}  // namespace weft::vswitch
