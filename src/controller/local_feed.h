// Tells the view which parts of the local database changed.

#pragma once

#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

// Once per turn, before the replica's clear_changes().  What this controller itself writes again and again
// (the report of nb_cfg in the bridge's row, ovn-installed in an interface's) is no change of what others
// read there.
void feed_local(const ovsdb::client::Replica& vswitch, SouthboundView& view);

}  // namespace weft::controller
