// The southbound database as northd keeps it: takes the rows and flows that the program wants, and the rows
// that there are, and writes the difference as one transaction.
//
// At most one transaction is under way; what changes meanwhile waits for its end.  When one fails, everything
// is compared again.

#pragma once

#include <string>

#include "northd/program.h"
#include "northd/sync/flow_table.h"
#include "northd/sync/keyed_table.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

// Tells the replica which tables and columns to fetch.
void choose_southbound_columns(ovsdb::client::Replica& replica);

class Southbound {
  public:
    explicit Southbound(ovsdb::client::Replica& replica) : replica_(replica), flows_(groups_) {}

    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    // Writes all differences.
    void write(ovsdb::client::Transaction& txn, Program& program);
    void done(const ovsdb::client::CommitOutcome& outcome);

    const HashMap<Uuid, Uuid>& datapath_of_binding() const { return datapath_of_binding_; }

  private:
    using Transaction = ovsdb::client::Transaction;
    struct MulticastKey {
        Uuid datapath;
        std::string name;
        auto operator<=>(const MulticastKey&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const MulticastKey& k) {
            return H::combine(std::move(h), k.datapath, k.name);
        }
    };
    struct BindingKey {  // of Static_MAC_Binding
        std::string port, ip;
        auto operator<=>(const BindingKey&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const BindingKey& k) {
            return H::combine(std::move(h), k.port, k.ip);
        }
    };

    void have_datapaths();
    void have_ports();
    void have_chassis();
    void mark_all();
    std::optional<Uuid> chassis(const std::string& name) const;
    int64_t choose_port_key(const PortRow& row);

    bool write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row, Program& program);
    bool write_port(Transaction& txn, const Uuid& uuid, const PortRow& row, bool is_new);
    bool write_multicast(Transaction& txn, const Uuid& uuid, const MulticastRow& row);
    bool write_ha_group(Transaction& txn, const Uuid& uuid, const HaGroupRow& row, bool is_new);
    bool write_load_balancer(Transaction& txn, const Uuid& uuid, const LoadBalancerRow& row);
    bool write_dns(Transaction& txn, const Uuid& uuid, const DnsRow& row);
    bool write_meter(Transaction& txn, const Uuid& uuid, const MeterRow& row, bool is_new);
    void write_constants(Transaction& txn);
    void delete_stale(Transaction& txn);

    ovsdb::client::Replica& replica_;
    DatapathGroups groups_;
    FlowTable flows_;
    KeyedTable<Uuid, DatapathRow, sb::DatapathBinding> datapaths_;
    KeyedTable<std::string, PortRow, sb::PortBinding> ports_;
    KeyedTable<MulticastKey, MulticastRow, sb::MulticastGroup> multicast_;
    KeyedTable<std::string, AddressSetRow, sb::AddressSet> address_sets_;
    KeyedTable<std::string, PortGroupRow, sb::PortGroup> port_groups_;
    KeyedTable<Uuid, LoadBalancerRow, sb::LoadBalancer> load_balancers_;
    KeyedTable<std::string, HaGroupRow, sb::HAChassisGroup> ha_groups_;
    KeyedTable<Uuid, DnsRow, sb::DNS> dns_;
    KeyedTable<std::string, MeterRow, sb::Meter> meters_;
    KeyedTable<BindingKey, MacBindingRow, sb::StaticMACBinding> mac_bindings_;

    HashMap<Uuid, Uuid> datapath_of_binding_;                // Datapath_Binding → switch or router
    HashMap<std::string, std::vector<Uuid>> chassis_named_;  // by name and by host name
    HashMap<Uuid, HashSet<int64_t>> port_keys_;              // Datapath_Binding → tunnel keys in use
    HashMap<Uuid, int64_t> port_key_hint_;                   // the last one given out
    HashMap<Uuid, std::pair<Uuid, int64_t>> key_of_port_;    // Port_Binding → (its datapath, its key)
    HashMap<Uuid, SetId> groups_used_;                       // by load balancers
    bool constants_checked_ = false;
    bool datapaths_changed_ = false;
};

}  // namespace weft::northd
