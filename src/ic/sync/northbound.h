// The zone's northbound database as ovn-ic keeps it: transit switches, remote ports, tunnel keys of ports,
// transit routers with their ports, learned routes.
//
// Everything else in it is the operator's and left alone.  When a transaction fails, everything is compared
// again.

#pragma once

#include <set>
#include <string>

#include "ic/program.h"
#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"

namespace weft::ic {

class Northbound {
  public:
    explicit Northbound(ovsdb::client::Replica& replica) : replica_(replica) {}

    // Tells the replica which tables and columns to fetch.
    void choose_columns();
    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    // Names that other zones have given to ports: who else has them here is to be known.
    void watch_names(const std::set<std::string>& names);
    void write(ovsdb::client::Transaction& txn);
    void done(const ovsdb::client::CommitOutcome& outcome);

  private:
    using Transaction = ovsdb::client::Transaction;

    void have_port(const Uuid& port);
    void have_route(const Uuid& route);
    void mark_all();
    bool write_switch(Transaction& txn, const Uuid& uuid, const SwitchRow& row, bool is_new);
    bool write_router(Transaction& txn, const Uuid& uuid, const RouterRow& row, bool is_new);
    bool write_router_port(Transaction& txn, const Uuid& uuid, const RouterPortRow& row, bool is_new);
    void write_routers(Transaction& txn);
    bool write_port(Transaction& txn, const Uuid& uuid, const RemotePortRow& row, bool is_new);
    bool write_route(Transaction& txn, const Uuid& uuid, const LearnedRouteRow& row, bool is_new);
    void write_keys(Transaction& txn);

    ovsdb::client::Replica& replica_;
    northd::KeyedTable<std::string, SwitchRow, nb::LogicalSwitch> switches_;
    northd::KeyedTable<std::string, RouterRow, nb::LogicalRouter> routers_;
    northd::KeyedTable<std::string, RouterPortRow, nb::LogicalRouterPort> router_ports_;
    northd::KeyedTable<std::string, RemotePortRow, nb::LogicalSwitchPort> ports_;
    northd::KeyedTable<std::string, LearnedRouteRow, nb::LogicalRouterStaticRoute> routes_;
    HashMap<Uuid, Uuid> switch_of_;     // port of a transit switch → the switch
    HashMap<Uuid, Uuid> router_of_;     // route → router
    HashMap<Uuid, int64_t> port_keys_;  // wanted
    HashSet<Uuid> port_keys_dirty_;
};

}  // namespace weft::ic
