// The megaflows: a tuple space.
//
// Flows with the same mask share a subtable, a hash table over the masked key.  A search tries the subtables,
// those with most hits first, and takes the first match: the switch keeps megaflows disjoint.  In front of it
// each thread has a cache of its own (flow_cache.h).
//
// Flows are shared: an iteration, a batch in flight and the caches keep a deleted flow alive until they let
// go; it is marked dead.
//
// Packet threads search, hold flows and count under the table's lock (batch_lock.h); who changes the table or
// sorts it has that lock alone.  Statistics may be read at any time.

#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"
#include "datapath/userspace/counter.h"
#include "packet/sparse_flow.h"

namespace weft::datapath {

struct Subtable;

struct Megaflow {
    Megaflow() = default;
    ~Megaflow();
    Megaflow(const Megaflow&) = delete;
    Megaflow& operator=(const Megaflow&) = delete;

    // Where the thread of this lane counts; made when it first does.  Lane 0 is the switch's thread.
    FlowCounters& counters_of(unsigned lane);
    FlowStats stats() const;  // of all threads
    void zero_stats();        // with the lock

    Ufid ufid;
    packet::SparseFlow key;              // as it was put, unmasked
    std::unique_ptr<uint64_t[]> masked;  // its words under the subtable's mask
    std::shared_ptr<const Actions> actions;
    bool dead = false;
    Subtable* subtable = nullptr;
    uint64_t hash = 0;               // of the masked key
    std::shared_ptr<Megaflow> next;  // with the same hash

  private:
    struct alignas(64) Share {
        FlowCounters counters;
        unsigned lane = 0;
        Share* next = nullptr;
    };
    FlowCounters own_;                      // lane 0's
    std::atomic<Share*> shares_ = nullptr;  // the others'
};

class MegaflowTable {
  public:
    MegaflowTable();
    ~MegaflowTable();

    // Null: no flow covers `key`.  Counts the hit for sort(), adds the subtables tried to `tried`.
    std::shared_ptr<Megaflow> search(const packet::Flow& key, uint64_t& tried) const;

    Result<void> put(FlowPut put);
    std::shared_ptr<Megaflow> find(const Ufid& ufid) const;
    // As search(), without counting anything.
    const Megaflow* peek(const packet::Flow& key) const;
    bool remove(const Ufid& ufid);
    void clear();
    void each(const std::function<void(const Megaflow&, const packet::Flow& mask)>& callback) const;
    static const packet::Flow& mask_of(const Megaflow& flow);  // that is not dead
    // Subtables that had most hits lately come first.  To be called now and then.
    void sort();

    size_t flows() const { return by_ufid_.size(); }
    size_t masks() const { return subtables_.size(); }

  private:
    Subtable* subtable_for(const packet::Flow& mask);
    void unlink(Megaflow& flow);

    std::vector<std::unique_ptr<Subtable>> subtables_;
    HashMap<Ufid, std::shared_ptr<Megaflow>> by_ufid_;
};

}  // namespace weft::datapath
