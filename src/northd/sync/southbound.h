// The southbound database as northd keeps it: takes the rows and flows that the program wants, and the rows
// that there are, and writes the difference as one transaction, or, when there is very much, as several.
//
// At most one transaction is under way, but for those that fill an empty southbound with flows, of which
// there may be two; what changes meanwhile waits for its end.  When one fails, everything is compared again.
//
// columns.cc says what is fetched, want.cc and have.cc keep the two sides, rows.cc writes the columns of each
// row, constants.cc the rows that are the same in every network, southbound.cc all of them in order.

#pragma once

#include <set>
#include <string>

#include "northd/program.h"
#include "northd/sync/flow_table.h"
#include "northd/sync/keyed_table.h"
#include "northd/sync/ref_chassis.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

// Tells the replica which tables and columns to fetch.
void choose_southbound_columns(ovsdb::client::Replica& replica);

class Southbound {
  public:
    // The replica has not been started.
    explicit Southbound(ovsdb::client::Replica& replica) : replica_(replica), flows_(groups_) {
        replica_.set_keeper<sb::LogicalFlow>(&flows_);
    }
    ~Southbound() { replica_.set_keeper<sb::LogicalFlow>(nullptr); }

    // What the program wants now, and what the replica has now.
    void want(Program& program);
    void have();
    // Writes the differences.  False if there are too many for one transaction: logical flows are left for
    // the next.
    bool write(ovsdb::client::Transaction& txn);
    bool is_filling() const { return flows_.is_filling(); }
    // While a transaction is under way: more flows may go, since there are some, and none of them refers to
    // what that transaction inserts.
    bool can_write_more() const { return is_filling() && only_flows_; }
    void write_more(ovsdb::client::Transaction& txn);
    // Compares all rows with what is wanted, at the next write().
    void compare_all() { mark_all(); }
    void set_drop_action(const std::string& action) { flows_.set_drop_action(action); }
    // New ports have no higher key (tunnel_space.h).
    void set_max_port_key(int64_t key);
    void done(const ovsdb::client::CommitOutcome& outcome);

    const HashMap<Uuid, Uuid>& datapath_of_binding() const { return datapath_of_binding_; }

  private:
    using Transaction = ovsdb::client::Transaction;

    struct BalancerGroups {  // none: of no datapath
        SetId switches, routers;
        bool operator==(const BalancerGroups&) const = default;
    };

    void have_datapaths();
    void have_ports();
    void have_multicast();
    void have_chassis();
    void have_advertised();
    void have_ecmp_nexthops();
    std::string port_name(const Uuid& binding) const;
    void mark_all();
    std::optional<Uuid> chassis(const std::string& name) const;
    int64_t choose_port_key(const PortRow& row, int64_t current);
    void reload_port_keys();

    bool write_flows(Transaction& txn);
    bool write_datapath(Transaction& txn, const Uuid& uuid, const DatapathRow& row);
    bool write_port(Transaction& txn, const Uuid& uuid, const PortRow& row, bool is_new);
    bool write_multicast(Transaction& txn, const Uuid& uuid, const MulticastRow& row, bool is_new);
    bool write_bfd(Transaction& txn, const Uuid& uuid, const BfdRow& row, bool is_new);
    bool write_monitor(Transaction& txn, const Uuid& uuid, const ServiceMonitorRow& row);
    int64_t choose_multicast_key(const Uuid& datapath);
    bool write_ip_multicast(Transaction& txn, const Uuid& uuid, const IpMulticastRow& row);
    bool write_ha_group(Transaction& txn, const Uuid& uuid, const HaGroupRow& row, bool is_new);
    bool write_load_balancer(Transaction& txn, const Uuid& uuid, const LoadBalancerRow& row);
    void use_groups(const Uuid& load_balancer, const BalancerGroups& groups);
    bool write_advertised(Transaction& txn, const Uuid& uuid, const AdvertisedRow& row);
    bool write_ecmp_nexthop(Transaction& txn, const Uuid& uuid, const EcmpNexthopRow& row);
    bool write_dns(Transaction& txn, const Uuid& uuid, const DnsRow& row);
    bool write_meter(Transaction& txn, const Uuid& uuid, const MeterRow& row, bool is_new);
    void write_constants(Transaction& txn);
    void delete_stale(Transaction& txn);

    ovsdb::client::Replica& replica_;
    DatapathGroups groups_;
    RefChassis ref_chassis_;
    FlowTable flows_;
    KeyedTable<Uuid, DatapathRow, sb::DatapathBinding> datapaths_;
    KeyedTable<std::string, PortRow, sb::PortBinding> ports_;
    KeyedTable<MulticastKey, MulticastRow, sb::MulticastGroup> multicast_;
    KeyedTable<Uuid, IpMulticastRow, sb::IPMulticast> ip_multicast_;
    KeyedTable<std::string, MirrorRow, sb::Mirror> mirrors_;
    KeyedTable<BfdKey, BfdRow, sb::BFD> bfd_;
    KeyedTable<MonitorKey, ServiceMonitorRow, sb::ServiceMonitor> monitors_;
    KeyedTable<std::string, TemplateVarRow, sb::ChassisTemplateVar> template_vars_;
    KeyedTable<std::string, AddressSetRow, sb::AddressSet> address_sets_;
    KeyedTable<std::string, PortGroupRow, sb::PortGroup> port_groups_;
    KeyedTable<Uuid, LoadBalancerRow, sb::LoadBalancer> load_balancers_;
    KeyedTable<std::string, HaGroupRow, sb::HAChassisGroup> ha_groups_;
    KeyedTable<Uuid, DnsRow, sb::DNS> dns_;
    KeyedTable<std::string, MeterRow, sb::Meter> meters_;
    KeyedTable<BindingKey, MacBindingRow, sb::StaticMACBinding> mac_bindings_;
    KeyedTable<AdvertisedRow, AdvertisedRow, sb::AdvertisedRoute> advertised_;
    KeyedTable<AdvertisedMacRow, AdvertisedMacRow, sb::AdvertisedMACBinding> advertised_macs_;
    KeyedTable<BindingKey, EcmpNexthopRow, sb::ECMPNexthop> ecmp_nexthops_;

    HashMap<Uuid, Uuid> datapath_of_binding_;                // Datapath_Binding → switch or router
    HashMap<std::string, std::vector<Uuid>> chassis_named_;  // by name and by host name
    HashMap<Uuid, HashSet<int64_t>> port_keys_;              // Datapath_Binding → tunnel keys in use
    HashMap<Uuid, int64_t> port_key_hint_;                   // the last one given out
    HashMap<Uuid, std::pair<Uuid, int64_t>> key_of_port_;    // Port_Binding → (its datapath, its key)
    std::set<std::string> port_key_waits_;                   // ports whose requested key another one has
    HashMap<BfdKey, int64_t> bfd_ports_;                     // given out in this transaction
    HashMap<Uuid, HashSet<int64_t>> multicast_keys_;         // Datapath_Binding → keys of its groups
    HashMap<Uuid, std::pair<Uuid, int64_t>> key_of_group_;   // Multicast_Group → (its datapath, its key)
    HashMap<Uuid, BalancerGroups> groups_used_;              // by load balancers
    std::vector<Uuid> balancers_touched_;                    // since the last write()
    int64_t max_port_key_ = kMaxPortKey;
    bool only_flows_ = false;  // the last transaction inserts nothing that flows refer to
    bool constants_checked_ = false;
    bool datapaths_changed_ = false;
};

}  // namespace weft::northd
