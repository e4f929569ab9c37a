// Bonds of a datapath: to which port each of a packet's 256 hashes goes, and how many bytes went there.

#pragma once

#include "base/hash_map.h"
#include "datapath/api/datapath.h"

namespace weft::datapath {

// Packets of several threads may choose at the same time.
class BondTable {
  public:
    void set(uint32_t id, const BondBuckets& buckets) { bonds_[id].buckets = buckets; }
    void remove(uint32_t id) { bonds_.erase(id); }
    const BondBuckets* find(uint32_t id) const;
    BondBytes bytes(uint32_t id) const;  // zeros: there is no such bond
    // The port of a packet with this hash, which it counts; kNoPort: there is none.
    PortNo choose(uint32_t id, uint32_t hash, size_t bytes);

  private:
    struct State {
        BondBuckets buckets{};
        BondBytes bytes{};
    };
    HashMap<uint32_t, State> bonds_;
};

}  // namespace weft::datapath
