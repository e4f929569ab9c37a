// Aging of learnt addresses: rows of MAC_Binding and FDB that no controller has seen in use for longer than
// their router or switch allows are deleted (ovn-nb(5), options:mac_binding_age_threshold of Logical_Router,
// other_config:fdb_age_threshold of Logical_Switch; limits per transaction in NB_Global).
//
// Rows are looked at when the oldest may be due, at most once a second, and only if some threshold is set.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/hash_map.h"
#include "northd/address.h"
#include "northd/program.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"

namespace weft::northd {

// "SECONDS", or "NETWORK:SECONDS;…;SECONDS": the longest network that has the address decides.  0: never.
struct AgeThreshold {
    struct Rule {
        std::variant<Ip4, Ip6Net> network;
        int64_t seconds = 0;
        bool operator==(const Rule&) const = default;
    };
    int64_t seconds = 0;
    std::vector<Rule> rules;
    bool operator==(const AgeThreshold&) const = default;

    int64_t of(std::string_view ip) const;
    bool any() const;
    int64_t shortest() const;  // that is not 0; 0 if there is none
};
std::optional<AgeThreshold> parse_age_threshold(std::string_view text);

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
