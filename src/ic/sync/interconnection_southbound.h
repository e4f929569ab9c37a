// The interconnection southbound database as the ovn-ic of one zone keeps it: datapaths of transit switches,
// which all zones keep together, and the zone's own gateways, ports and routes.  Rows of other zones are left
// alone.
//
// Tunnel keys are chosen here and then belong to the row (ovn-ic-sb(5), Datapath_Binding and Port_Binding).

#pragma once

#include <string>

#include "ic/program.h"
#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"

namespace weft::ic {

// Tunnel keys of transit switches: those that northd gives out end below (ovn-nb(5), options:max_tunid).
constexpr int64_t kFirstDatapathKey = 16711681, kLastDatapathKey = 16777215;
constexpr int64_t kLastPortKey = 32767;

class InterconnectionSouthbound {
  public:
    explicit InterconnectionSouthbound(ovsdb::client::Replica& replica) : replica_(replica) {}

    // Tells the replica which tables and columns to fetch.
    void choose_columns();
    // Whose rows are our own: an Availability_Zone.
    void set_zone(const Uuid& zone);
    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    void write(ovsdb::client::Transaction& txn);
    void done(const ovsdb::client::CommitOutcome& outcome);

  private:
    using Transaction = ovsdb::client::Transaction;

    void mark_all();
    bool write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row, bool is_new);
    bool write_gateway(Transaction& txn, const Uuid& uuid, const GatewayRow& row, bool is_new);
    bool write_port(Transaction& txn, const Uuid& uuid, const PortRow& row, bool is_new);
    bool write_route(Transaction& txn, const Uuid& uuid, const RouteRow& row, bool is_new);
    int64_t choose_datapath_key(const Transaction& txn);
    int64_t choose_port_key(const Transaction& txn, const std::string& transit_switch);

    ovsdb::client::Replica& replica_;
    Uuid zone_;
    northd::KeyedTable<std::string, DatapathRow, icsb::DatapathBinding> datapaths_;
    northd::KeyedTable<std::string, GatewayRow, icsb::Gateway> gateways_;
    northd::KeyedTable<std::string, PortRow, icsb::PortBinding> ports_;
    northd::KeyedTable<std::string, RouteRow, icsb::Route> routes_;
};

}  // namespace weft::ic
