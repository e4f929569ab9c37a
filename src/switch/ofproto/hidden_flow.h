// A flow of the switch's own, in table 0 above all that controllers can make, and not shown to them.

#pragma once

#include "openflow/action.h"
#include "openflow/match.h"

namespace weft::vswitch {

struct HiddenFlow {
    int priority = 0;  // above 65535
    openflow::Match match;
    openflow::ActionList actions;
    bool operator==(const HiddenFlow&) const = default;
};

}  // namespace weft::vswitch
