// The flow cache: an exact-match cache of recent packet keys in front of a tuple space of megaflows.
//
// Flows with the same mask share a subtable, a hash table over the masked key.  A lookup tries the subtables,
// those with most hits first, and takes the first match: the switch keeps megaflows disjoint.  The
// exact-match cache maps whole keys to flows and is never stale: a flow that was deleted or changed is marked
// dead or changed in place.
//
// Flows are shared: an iteration, a batch in flight and the cache keep a deleted flow alive until they let
// go.

#pragma once

#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"
#include "packet/sparse_flow.h"

namespace weft::datapath {

struct Subtable;

struct Megaflow {
    Ufid ufid;
    packet::SparseFlow key;              // as it was put, unmasked
    std::unique_ptr<uint64_t[]> masked;  // its words under the subtable's mask
    std::shared_ptr<const Actions> actions;
    FlowStats stats;
    bool dead = false;
    Subtable* subtable = nullptr;
    uint64_t hash = 0;               // of the masked key
    std::shared_ptr<Megaflow> next;  // with the same hash
};

class MegaflowTable {
  public:
    MegaflowTable();
    ~MegaflowTable();

    // Null: no flow covers `key`.
    Megaflow* lookup(const packet::Flow& key);

    Result<void> put(FlowPut put);
    std::shared_ptr<Megaflow> find(const Ufid& ufid) const;
    // As lookup(), without counting anything.
    const Megaflow* peek(const packet::Flow& key) const;
    bool remove(const Ufid& ufid);
    void clear();
    void each(const std::function<void(const Megaflow&, const packet::Flow& mask)>& callback) const;
    static const packet::Flow& mask_of(const Megaflow& flow);  // that is not dead

    size_t flows() const { return by_ufid_.size(); }
    size_t masks() const { return subtables_.size(); }
    uint64_t exact_hits() const { return exact_hits_; }
    uint64_t masks_tried() const { return masks_tried_; }

  private:
    struct CacheEntry {
        std::shared_ptr<Megaflow> flow;
        packet::Flow key;
    };
    static constexpr size_t kCacheSize = 4096;  // power of two

    std::shared_ptr<Megaflow> search(const packet::Flow& key);
    Subtable* subtable_for(const packet::Flow& mask);
    void unlink(Megaflow& flow);
    void sort_subtables();

    std::vector<std::unique_ptr<Subtable>> subtables_;
    HashMap<Ufid, std::shared_ptr<Megaflow>> by_ufid_;
    std::vector<std::unique_ptr<CacheEntry>> cache_;
    uint64_t exact_hits_ = 0, masks_tried_ = 0;
    uint32_t searches_ = 0;
};

}  // namespace weft::datapath
