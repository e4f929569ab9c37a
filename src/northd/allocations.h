// What northd chooses for ports and keeps: dynamic addresses (ipam.h), tags and queue numbers (tags.h).
//
// The program says who wants what (address_pools, address_claims, tag_claims, queue_claims); the choice goes
// back into it as inputs (dynamic_addresses, tags, queues), and into the databases, from which it is taken up
// again after a restart: northbound columns dynamic_addresses and tag, southbound options:qdisc_queue_id.

#pragma once

#include <string>

#include "base/hash_map.h"
#include "northd/ipam.h"
#include "northd/program.h"
#include "northd/tags.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"

namespace weft::northd {

class Allocations {
  public:
    explicit Allocations(Program& program) : program_(program) {}

    // Chooses for those that the program says want something, after engine.update().  True if something was
    // chosen anew: then the program has to be brought up to date again.
    bool update(const ovsdb::client::Replica& northbound);
    // Ports whose columns are to be written.
    const HashSet<Uuid>& changed() const { return changed_; }
    void clear_changed() { changed_.clear(); }
    // Writes the columns of a port.
    void write(ovsdb::client::Transaction& txn, const Uuid& port);
    // Forgets all choices: another northd may have made others meanwhile.  Those in the database count.
    void forget();

  private:
    void take_suggestions(const ovsdb::client::Replica& northbound);
    void take_pools();
    void take_claims(const ovsdb::client::Replica& northbound);
    void suggest(const nb::LogicalSwitchPort& row);
    void take_queue(const TagClaim& claim);
    void complain();

    Program& program_;
    Ipam ipam_;
    static constexpr int64_t kMaxQueue = 61440;
    Tags tags_, queues_{kMaxQueue};
    bool reload_ = false;  // everything is to be suggested again
    bool gone_ = false;    // something that was chosen is not wanted any more
    HashSet<Uuid> changed_;
    HashMap<Uuid, std::string> written_;  // dynamic_addresses as written last
    HashMap<Uuid, std::string> complained_;
};

}  // namespace weft::northd
