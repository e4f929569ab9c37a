// Carries the changes of the southbound replica over into the view's inputs.

#pragma once

#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

// Chooses the tables and columns to fetch, and the indexes; before Replica::start().
void monitor_southbound(ovsdb::client::Replica& southbound);

// Once per turn, before the replica's clear_changes().
void feed_southbound(const ovsdb::client::Replica& southbound, SouthboundView& view);

}  // namespace weft::controller
