// What the switch has, and what turns it into what is desired.
//
// Pure: desired flows in, OpenFlow 1.5 messages out.  A slot is a table, priority and match; several desired
// flows may want it.
//
// There may be hundreds of thousands of flows, so nothing of them is kept twice: a slot refers to those that
// want it, in the output, and what the switch has is what they said when changes() was called last.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_map.h"
#include "controller/desired_flow.h"
#include "controller/message_buffer.h"

namespace weft::controller {

class FlowSync {
  public:
    explicit FlowSync(FlowOutput& desired) : desired_(desired) {}
    ~FlowSync();

    // Takes up what changed and appends the messages for it.  Returns how many.
    size_t changes(MessageBuffer& messages);
    // The switch has nothing (or all was deleted): appends the messages for everything.
    void everything(MessageBuffer& messages);

  private:
    struct Key {
        uint8_t table;
        uint16_t priority;
        std::string_view match;
        bool operator==(const Key&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const Key& key) {
            return H::combine(std::move(h), key.table, key.priority, key.match);
        }
    };
    static Key key_of(const DesiredFlow& flow) { return {flow.table, flow.priority, flow.match}; }

    // Those that want a slot, in the order of their bytes; never none.  Nearly always it is one, so that is
    // what a slot takes room for.
    class Slot {
      public:
        explicit Slot(const DesiredFlow* flow) : only_(flow) {}
        const DesiredFlow& first() const { return others_ ? *others_->front() : *only_; }
        bool single() const { return !others_; }
        const std::vector<const DesiredFlow*>& several() const { return *others_; }
        void add(const DesiredFlow* flow) const;
        bool remove(const DesiredFlow* flow) const;  // true if it was the last
        void free() const { delete others_; }

      private:
        // Not part of what the set compares.
        mutable const DesiredFlow* only_;
        mutable std::vector<const DesiredFlow*>* others_ = nullptr;
    };
    struct Hash {
        using is_transparent = void;
        size_t operator()(const Key& key) const { return absl::HashOf(key); }
        size_t operator()(const Slot& slot) const { return absl::HashOf(key_of(slot.first())); }
    };
    struct Equal {
        using is_transparent = void;
        static Key of(const Key& key) { return key; }
        static Key of(const Slot& slot) { return key_of(slot.first()); }
        template <typename A, typename B>
        bool operator()(const A& a, const B& b) const {
            return of(a) == of(b);
        }
    };
    // What the switch has of a slot that is about to change.
    struct Before {
        uint8_t table;
        uint16_t priority;
        std::string match;
        bool present = false;
        uint32_t cookie = 0;
        std::string instructions;
    };

    void take_up(bool remember);
    void remember(const Key& key);
    static std::string chosen(const Slot& slot);
    void update(const Before& before, MessageBuffer& messages) const;

    FlowOutput& desired_;
    absl::flat_hash_set<Slot, Hash, Equal> slots_;
    std::vector<Before> touched_;
    HashSet<std::string> touched_keys_;
};

}  // namespace weft::controller
