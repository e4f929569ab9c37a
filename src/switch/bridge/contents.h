// What the switch reads of the Open_vSwitch database.
//
// external_ids are other programs' notes: a controller's change with every change of the network.  They are
// not fetched.  What the switch itself writes (ofport, statistics, status …) is fetched, to be compared with
// what is to be written, but its coming back changes nothing.

#pragma once

#include "ovsdb/client/replica.h"

namespace weft::vswitch {

// Before Replica::start(), of a replica that tracks changes.
void monitor_contents(ovsdb::client::Replica& replica);

// Something changed that the configuration follows from, since this was called last.
bool take_contents_changed(ovsdb::client::Replica& replica);

}  // namespace weft::vswitch
