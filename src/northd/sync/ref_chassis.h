// HA_Chassis_Group:ref_chassis: the chassis that watch a group's gateways by BFD, since they have ports that
// can reach them (ovn-sb(5)).
//
// Switches and routers that are joined, directly or through others, form an island.  A group that one of an
// island's routers uses, with more than one gateway, is watched by all chassis that have a port of one of its
// switches.  A port that comes or goes costs constant work; a link that does, the size of the network's
// links.

#pragma once

#include <set>
#include <string>

#include "base/hash_map.h"
#include "northd/program.h"

namespace weft::northd {

class RefChassis {
  public:
    // Takes the changes of links, bound ports and groups.  Yields the groups whose watchers may have changed.
    std::set<std::string> update(Program& program);
    // Of a group, in order.
    std::vector<Uuid> watchers(const std::string& group) const;

  private:
    void rebuild();
    Uuid island_of(const Uuid& datapath) const;

    HashMap<Uuid, std::set<Uuid>> links_;               // datapath → those beside it
    HashMap<Uuid, std::set<Uuid>> chassis_of_switch_;   // that have one of its ports
    HashMap<std::string, std::set<Uuid>> users_;        // group → routers
    HashMap<Uuid, Uuid> island_;                        // datapath → the smallest member of its island
    HashMap<Uuid, std::set<Uuid>> switches_of_island_;  // those with bound ports
    HashMap<Uuid, std::set<std::string>> groups_of_island_;
};

}  // namespace weft::northd
