// Which logical datapaths hang together, as patch ports in the southbound database tell every chassis.
//
// All chassis hear the same, so it is kept once.

#pragma once

#include <string>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"

namespace weft::sim {

class Topology {
  public:
    // The patch port `name` of a datapath leads to the patch port `peer`.
    void add_patch(const std::string& name, const Uuid& datapath, const std::string& peer);
    // Those that can be reached from `datapaths` through `hops` patch ports or fewer, sorted.
    std::vector<Uuid> around(const std::vector<Uuid>& datapaths, size_t hops) const;

  private:
    HashMap<std::string, Uuid> datapath_;                       // of a patch port
    HashMap<Uuid, HashMap<std::string, std::string>> patches_;  // datapath → patch port → peer
};

}  // namespace weft::sim
