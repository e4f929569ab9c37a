// HA chassis groups: of the chassis that may serve a gateway port (or an external port), which one does
// (ovn-sb(5), HA_Chassis_Group; ovn-architecture(7), "High Availability for Distributed Gateway Ports").
//
// The member with the highest priority that is alive serves.  Whether another member is alive is what BFD on
// the tunnel to it says.  A chassis that reaches no other at all is the one that is cut off, so it does not
// serve; a group of one member needs no BFD.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/southbound_view.h"

namespace weft::controller {

struct HaMember {
    Uuid chassis;
    std::string name;
    int64_t priority = 0;
};

// The members that have a chassis row, highest priority first (equal ones by name).  A tracked read.
std::vector<HaMember> ha_members(SouthboundView& view, const Uuid& group);

// This chassis, `own`, is to serve; `alive` are the names of the chassis that BFD reaches.
bool serves_group(const std::vector<HaMember>& members, const Uuid& own, const std::set<std::string>& alive);

// The chassis between which tunnels must be watched, as seen from this one: by name.
//
// A member watches the other members and the chassis with traffic for the group (ref_chassis).  Who is no
// member watches all members, if a port of the group is in one of its datapaths.
std::set<std::string> chassis_to_watch(SouthboundView& view, const Uuid& own);

}  // namespace weft::controller
