// Packets that leave the pipeline and come back: after connection tracking, after a hash for a group, for
// MPLS, or when a controller gave back a paused packet.
//
// What the pipeline must remember (FrozenState) is kept under a 32-bit id that the datapath carries with the
// packet.  Equal states have equal ids, so translating the same packet again gives the same actions.  An id
// lives as long as something refers to it: the megaflows whose actions name it.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash_map.h"
#include "openflow/action.h"
#include "packet/flow.h"
#include "switch/ofproto/rule.h"

namespace weft::vswitch {

struct StackItem {
    openflow::FieldValue value;
    uint16_t bits = 0;
};

// A run of actions that remains to be done, and where it came from.
struct FrozenSegment {
    uint8_t table = 0;
    uint64_t cookie = 0;
    std::shared_ptr<const openflow::ActionList> actions;
    bool operator==(const FrozenSegment& other) const {
        return table == other.table && cookie == other.cookie && *actions == *other.actions;
    }
};

struct FrozenState {
    static constexpr uint8_t kNoTable = 0xff;
    std::string bridge;        // by name, since it may be gone when the packet comes back
    uint8_t table = kNoTable;  // where to go on looking up; kNoTable: `segments`, then the action set
    packet::Flow
        metadata;  // of the pipeline: registers, metadata, tunnel, in_port (OpenFlow's), actset_output
    std::vector<Bytes> stack;  // the bottom first
    std::vector<FrozenSegment> segments;
    openflow::ActionList action_set;
    bool conntracked = false;
    bool was_mpls = false;
    uint32_t hash_basis = 0;  // of a group's dp_hash
    Bytes userdata;           // of a controller action
    uint32_t mirrored = 0;    // mirrors that have their copy
    std::string bond;         // out of the member of this bond that dp_hash chooses, and nothing else
    bool operator==(const FrozenState&) const;
};

class RecirculationTable {
  public:
    // The id of an equal state, or a new one; the caller holds one reference.
    uint32_t acquire(const FrozenState& state);
    const FrozenState* find(uint32_t id) const;
    void hold(uint32_t id);
    void release(uint32_t id);
    size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::shared_ptr<const FrozenState> state;
        uint64_t hash;
        uint32_t references;
    };
    HashMap<uint32_t, Entry> entries_;
    HashMap<uint64_t, std::vector<uint32_t>> by_hash_;
    uint32_t next_ = 1;
};

// References to recirculation ids, released when it goes.
class RecirculationRefs {
  public:
    RecirculationRefs() = default;
    explicit RecirculationRefs(RecirculationTable& table) : table_(&table) {}
    RecirculationRefs(RecirculationRefs&& other) noexcept
        : table_(other.table_), ids_(std::move(other.ids_)) {
        other.ids_.clear();
    }
    RecirculationRefs& operator=(RecirculationRefs&& other) noexcept {
        std::swap(table_, other.table_);
        std::swap(ids_, other.ids_);
        return *this;
    }
    ~RecirculationRefs() {
        for (uint32_t id : ids_) table_->release(id);
    }
    void adopt(uint32_t id) { ids_.push_back(id); }
    const std::vector<uint32_t>& ids() const { return ids_; }

  private:
    RecirculationTable* table_ = nullptr;
    std::vector<uint32_t> ids_;
};

}  // namespace weft::vswitch
