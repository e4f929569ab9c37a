// Flows that go with the flow that learnt them: learn(delete_learned) (ovs-actions(7)).
//
// A learnt flow does not know who learnt it.  What joins them is the table and the cookie that the learn
// action names: when the last action with this flag, that table and that cookie has left the bridge's tables,
// all flows of the table with the cookie go, whoever made them.  Counted, as by Open vSwitch, are the actions
// of flows in tables, not those inside other actions (clone), of groups' buckets and of packet-outs.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "openflow/action.h"

namespace weft::vswitch {

class LearnedCookies {
  public:
    using Key = std::pair<uint8_t, uint64_t>;  // table, cookie

    // True: one of the actions is to be counted.
    static bool named_by(const openflow::ActionList& actions);
    void added(const openflow::ActionList& actions);
    void removed(const openflow::ActionList& actions);
    bool empty() const { return counts_.empty(); }
    // Those whose last action went since this was asked before, and has not come back.
    std::vector<Key> take_orphans();

  private:
    std::map<Key, size_t> counts_;
    std::set<Key> lost_;
};

}  // namespace weft::vswitch
