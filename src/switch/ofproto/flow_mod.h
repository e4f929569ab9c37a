// A change of the flow tables, and how to take it back.
//
// Changes are applied at once, one after the other.  Each leaves what undoes it in a Transaction; a bundle
// that fails half way is rolled back, and because nothing else runs in between nobody ever sees half a
// bundle.  What others are told (flow-removed, monitors, megaflows to revalidate) happens at commit.

#pragma once

#include <memory>
#include <vector>

#include "openflow/error.h"
#include "switch/ofproto/group.h"
#include "switch/ofproto/rule.h"

namespace weft::vswitch {

enum class RemovedReason : uint8_t {
    kIdle = 0,
    kHard = 1,
    kDelete = 2,
    kGroupDelete = 3,
    kMeterDelete = 4,
    kEviction = 5
};

struct FlowChange {
    enum class Command : uint8_t { kAdd, kModify, kModifyStrict, kDelete, kDeleteStrict };
    Command command = Command::kAdd;
    uint8_t table = 0;  // kTableAll: every one, of deletions and modifications
    openflow::Match match;
    int priority = 32768;
    uint64_t cookie = 0, cookie_mask = 0;  // the cookie to match (with a mask) of modifications and deletions
    uint64_t new_cookie = 0;
    bool modify_cookie = false;
    bool add_if_missing = false;  // a modification that matches nothing adds (OpenFlow 1.0 and 1.1)
    bool keep_counts = false;     // an addition that replaces keeps the counters and the age
    uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
    uint32_t out_port = openflow::kPortNone, out_group = openflow::kGroupAny;
    openflow::ActionList actions;
    RemovedReason reason = RemovedReason::kDelete;
};

struct Transaction {
    // What a rule was before it was modified.
    struct Before {
        ActionsRef actions;
        uint64_t cookie = 0;
        uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
        int64_t created_ms = 0, modified_ms = 0;
        uint64_t packets = 0, bytes = 0;
        std::vector<Conjunction> conjunctions;
    };
    struct Step {
        enum class Kind : uint8_t { kAdded, kRemoved, kModified };
        RuleRef rule;
        std::unique_ptr<Before> before = nullptr;  // kModified
        Kind kind;
        RemovedReason reason = RemovedReason::kDelete;
        bool replaced = false;  // kRemoved: by the kAdded step that follows
    };
    static_assert(sizeof(Step) == 24, "a whole table may go at once");
    struct GroupStep {
        uint32_t id;
        Ref<GroupEntry> before;  // null: it did not exist
    };
    std::vector<Step> steps;
    std::vector<GroupStep> groups;
    bool empty() const { return steps.empty() && groups.empty(); }
};

}  // namespace weft::vswitch
