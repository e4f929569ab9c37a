// Aging of learnt addresses: rows of MAC_Binding and FDB that no controller has seen in use for longer than
// their router or switch allows are deleted (ovn-nb(5), options:mac_binding_age_threshold of Logical_Router,
// other_config:fdb_age_threshold of Logical_Switch; limits per transaction in NB_Global).
//
// Rows are looked at when the oldest may be due, at most once a second, and only if some threshold is set.

#pragma once

#include <cstdint>

#include "base/hash_map.h"
#include "logical/age_threshold.h"
#include "northd/program.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"

namespace weft::northd {

using logical::AgeThreshold;
using logical::parse_age_threshold;

class Aging {
  public:
    // Takes the changes of thresholds.
    void want(Program& program);
    // When to call expire() next, in ms of wall time; 0: never.
    int64_t due() const { return due_; }
    // Deletes what is too old.  `router_of_binding`: Datapath_Binding → Logical_Switch or Logical_Router.
    void expire(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& southbound,
                const HashMap<Uuid, Uuid>& owner_of_binding, const ovsdb::StringMap& options, int64_t now_ms);

  private:
    HashMap<Uuid, AgeThreshold> thresholds_;  // by router and switch
    int64_t due_ = 0;
};

}  // namespace weft::northd
