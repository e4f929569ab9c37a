// The southbound database as ovn-controller-vtep keeps it: a chassis for each hardware switch, and where
// ports of type vtep are bound.
//
// Chassis are known to be ours by having been wanted once: others of their kind belong to other hardware.

#pragma once

#include <string>
#include <vector>

#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"
#include "vtep/program.h"

namespace weft::vtep {

class Southbound {
  public:
    explicit Southbound(ovsdb::client::Replica& replica) : replica_(replica) {}

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

    void write_gateway(Transaction& txn, const Uuid& uuid, const GatewayRow& row);
    void write_binding(Transaction& txn, const std::string& port);
    std::optional<Uuid> find_chassis(const Transaction& txn, const std::string& name) const;
    void mark_bindings();

    ovsdb::client::Replica& replica_;
    northd::KeyedTable<std::string, GatewayRow, sb::Chassis> gateways_;
    HashSet<std::string> known_;                  // names of our chassis, present and former
    HashMap<std::string, std::string> bindings_;  // port of type vtep → chassis
    HashSet<std::string> bindings_dirty_;
};

}  // namespace weft::vtep
