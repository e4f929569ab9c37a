// The hardware_vtep database as ovn-controller-vtep keeps it: tunnel keys of the logical switches that take
// part in a logical network, and behind which tunnels addresses are (vtep(5)).
//
// Rows of Ucast_Macs_Remote and Mcast_Macs_Remote are the controller's: those that are not wanted go.

#pragma once

#include <string>
#include <vector>

#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"
#include "vtep/program.h"

namespace weft::vtep {

class Hardware {
  public:
    explicit Hardware(ovsdb::client::Replica& replica) : replica_(replica) {}

    // Tells the replica which tables and columns to fetch.
    void choose_columns();
    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    void write(ovsdb::client::Transaction& txn);
    void done(const ovsdb::client::CommitOutcome& outcome);
    // Takes away all of it.
    void clean_up(ovsdb::client::Transaction& txn);

  private:
    using Transaction = ovsdb::client::Transaction;

    void write_key(Transaction& txn, const Uuid& logical_switch);
    void write_flood(Transaction& txn, const Uuid& uuid, const FloodRow& row, bool is_new);
    Uuid locator(Transaction& txn, const std::string& ip);

    ovsdb::client::Replica& replica_;
    HashMap<Uuid, int64_t> keys_;  // by Logical_Switch
    HashSet<Uuid> keys_dirty_;
    northd::KeyedTable<std::string, UnicastRow, vt::UcastMacsRemote> unicast_;
    northd::KeyedTable<Uuid, FloodRow, vt::McastMacsRemote> flood_;
    HashMap<std::string, Uuid> new_locators_;  // of this transaction
};

}  // namespace weft::vtep
