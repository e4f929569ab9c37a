// The zone's southbound database as ovn-ic keeps it: gateways of other zones as chassis, and where remote
// ports are bound.

#pragma once

#include <set>
#include <string>

#include "ic/program.h"
#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"

namespace weft::ic {

class Southbound {
  public:
    explicit Southbound(ovsdb::client::Replica& replica) : replica_(replica) {}

    // Tells the replica which tables and columns to fetch.
    void choose_columns();
    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    // Ports at which neighbours are learnt that other zones are to know.
    void watch_neighbors(const std::set<std::string>& ports);
    void write(ovsdb::client::Transaction& txn);
    void done(const ovsdb::client::CommitOutcome& outcome);

  private:
    using Transaction = ovsdb::client::Transaction;

    void write_binding(Transaction& txn, const std::string& port);

    ovsdb::client::Replica& replica_;
    northd::KeyedTable<std::string, RemoteChassisRow, sb::Chassis> chassis_;
    HashMap<std::string, std::string> gateways_;  // remote port → where it is to be bound
    HashSet<std::string> bindings_dirty_;
};

}  // namespace weft::ic
