// What a set of actions (write_actions) may hold.

#pragma once

#include "openflow/action.h"

namespace weft::openflow {

// Those that have a place in the order in which a set is carried out, and what stands for one of them
// (ovs-actions(7), "write_actions"): a switch refuses others with OFPBAC_BAD_TYPE.
bool fits_action_set(const Action& action);

}  // namespace weft::openflow
