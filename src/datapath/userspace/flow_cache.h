// A thread's own cache of recent packets' flows, in front of the megaflow table that all threads share.
//
// It maps whole keys to flows and is never stale: a flow that was deleted is marked dead, a flow that was
// changed has changed in place.  With the flow it keeps where this thread counts its packets, so that a hit
// writes to no memory that other threads write to.

#pragma once

#include <memory>
#include <vector>

#include "datapath/userspace/megaflow_table.h"

namespace weft::datapath {

class FlowCache {
  public:
    explicit FlowCache(unsigned lane) : entries_(kSize), lane_(lane) {}

    struct Found {
        Megaflow* flow = nullptr;  // null: no flow covers the key
        FlowCounters* counters = nullptr;
    };
    Found lookup(const MegaflowTable& table, const packet::Flow& key);
    // Frees what it holds; by its thread, or while that is at a quiet point.
    void clear();

    uint64_t exact_hits() const { return exact_hits_; }
    uint64_t masks_tried() const { return masks_tried_; }
    uint64_t searches() const { return searches_; }  // of the table

  private:
    struct Entry {
        std::shared_ptr<Megaflow> flow;
        FlowCounters* counters = nullptr;  // the flow's
        packet::Flow key;
    };
    static constexpr size_t kSize = 4096;  // power of two

    std::vector<std::unique_ptr<Entry>> entries_;
    const unsigned lane_;
    Counter exact_hits_, masks_tried_, searches_;
};

}  // namespace weft::datapath
