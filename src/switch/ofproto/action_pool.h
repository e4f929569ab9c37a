// The action lists of rules, equal ones kept once.
//
// Half a million flows are usual and many of them do the same.  A list is one object that counts its
// references without atomics: rules belong to the switch's one thread.
//
// A pool finds equal lists by a hash of what usually differs.  Lists with the same hash are a chain of at
// most kLongestChain; beyond that a list is kept alone, so flows that differ only in what the hash leaves out
// cost memory, not time.
//
// Lists outlive their pool if something still refers to them.

#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>

#include "openflow/action.h"
#include "switch/ofproto/ref.h"

namespace weft::vswitch {

class ActionPool;

struct SharedActions {
    explicit SharedActions(openflow::ActionList actions);
    ~SharedActions();

    const openflow::ActionList list;
    const bool deletes_learned;     // learned_cookies.h
    ActionPool* pool = nullptr;     // null: in none
    SharedActions* next = nullptr;  // in the chain of its hash
    uint32_t hash = 0;
    mutable uint32_t references = 0;
};

// A rule's actions: refers to a list that never changes.
class ActionsRef {
  public:
    ActionsRef() = default;
    explicit ActionsRef(const SharedActions* actions) : actions_(actions) {}
    const openflow::ActionList& operator*() const { return actions_->list; }
    const openflow::ActionList* operator->() const { return &actions_->list; }
    const SharedActions* get() const { return actions_.get(); }
    // Begin to fetch the list, and then what is in it or its place in the pool, into the processor's cache.
    void prefetch() const { __builtin_prefetch(actions_.get()); }
    void prefetch_list() const {
        const char* begin = reinterpret_cast<const char*>(actions_->list.data());
        for (size_t at = 0; at < sizeof(openflow::Action) * actions_->list.size(); at += 64)
            __builtin_prefetch(begin + at);
    }
    void prefetch_place() const;

  private:
    Ref<const SharedActions> actions_;
};

class ActionPool {
  public:
    ActionPool() = default;
    ~ActionPool();
    ActionPool(const ActionPool&) = delete;
    ActionPool& operator=(const ActionPool&) = delete;

    ActionsRef share(const openflow::ActionList& actions);
    size_t size() const { return heads_.size(); }  // chains

  private:
    friend struct SharedActions;
    friend class ActionsRef;
    static constexpr size_t kLongestChain = 8;
    void forget(SharedActions& actions);

    // Heads of chains; looked up by hash alone.
    struct ByHash {
        using is_transparent = void;
        size_t operator()(uint32_t hash) const { return hash; }
        size_t operator()(const SharedActions* head) const { return head->hash; }
        bool operator()(const SharedActions* a, const SharedActions* b) const { return a->hash == b->hash; }
        bool operator()(const SharedActions* a, uint32_t hash) const { return a->hash == hash; }
    };
    absl::flat_hash_set<SharedActions*, ByHash, ByHash> heads_;
};

inline void ActionsRef::prefetch_place() const {
    if (actions_->pool) actions_->pool->heads_.prefetch(actions_->hash);
}

}  // namespace weft::vswitch
