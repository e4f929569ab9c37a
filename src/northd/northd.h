// ovn-northd: keeps the southbound database what the northbound one asks for.
//
// One turn: changes of both databases go into the program's inputs, the program is brought up to date, and
// the differences are written, northbound and southbound one transaction each.  Of several northd on one
// southbound database the one that has its lock "ovn_northd" writes; the others and paused ones only watch.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/loop.h"
#include "northd/acl_ids.h"
#include "northd/aging.h"
#include "northd/allocations.h"
#include "northd/chassis_facts.h"
#include "northd/program.h"
#include "northd/status_column.h"
#include "northd/sync/southbound.h"
#include "northd/tunnel_keys.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

class Northd {
  public:
    struct Options {
        std::vector<std::string> northbound, southbound;  // remotes
        bool paused = false;                              // at the start
    };
    Northd(net::Loop& loop, Options options);
    ~Northd();

    void pause();
    void resume();
    bool is_paused() const { return paused_; }
    std::string status() const;  // "active", "standby", "paused"
    std::string northbound_status() const { return nb_.connection_status(); }
    std::string southbound_status() const { return sb_.connection_status(); }
    // Of the program as a whole ("northd") and of the functions of the incremental engine: of all, or one, or
    // one counter of it; "" if there is no such node.
    std::string statistics(const std::string& function, const std::string& counter) const;
    void clear_statistics();
    void recompute();  // everything, and compares all rows
    void set_compute_log_timeout(int64_t ms) { compute_log_timeout_ms_ = ms; }
    std::string chassis_features() const;
    // Forgets what is known of a database's servers and connects anew.
    void reset_northbound() { nb_.force_reconnect(); }
    void reset_southbound() { sb_.force_reconnect(); }

  private:
    void turn();
    void take_reports();
    void rest_after(int64_t took_ms);
    bool is_resting();
    void compute();
    void follow_probe_interval();
    void feed();
    void feed_remote_chassis();
    void feed_bindings();
    void feed_igmp_groups();
    void feed_learned_routes();
    void feed_sessions();
    void become_active();
    void write_southbound();
    void write_more_flows();
    void commit_southbound(ovsdb::client::Transaction txn, std::function<void(bool ok)> done);
    void write_northbound();
    void write_global(ovsdb::client::Transaction& txn);
    void write_port_status(ovsdb::client::Transaction& txn);
    void write_bfd_status(ovsdb::client::Transaction& txn);
    void write_gateway_status(ovsdb::client::Transaction& txn);
    void report_complaints();
    std::string drop_action() const;
    void expire_learnt(ovsdb::client::Transaction& txn);

    net::Loop& loop_;
    ovsdb::client::Replica nb_, sb_;
    Program program_;
    ChassisFacts chassis_;
    TunnelSpace tunnel_space_;
    TunnelKeys tunnel_keys_{program_.in};
    AclIds acl_ids_{program_.in};
    Allocations allocations_{program_};
    Southbound southbound_{sb_};
    bool paused_, active_ = false;
    bool nb_writing_ = false;
    int sb_writing_ = 0;                      // transactions under way
    bool had_many_flows_ = false;             // changed, since freed memory was given back
    bool nb_again_ = true, sb_again_ = true;  // something is left to be written
    uint64_t nb_seen_ = 0, sb_seen_ = 0;
    int64_t sb_cfg_ = 0, sb_cfg_timestamp_ = 0;  // nb_cfg that the southbound database reflects
    ChassisFacts::Configuration reached_;        // as the northbound database was told last
    uint64_t recomputes_ = 0, computes_ = 0;     // of everything, and of what changed
    bool recompute_ = false, computed_ = false;
    int64_t compute_log_timeout_ms_ = 500;
    int64_t probe_interval_ms_ = -1;  // as set in the northbound; -1: as at the start
    int64_t nb_cfg_seen_ = 0, nb_cfg_timestamp_ = 0;
    HashMap<Uuid, std::vector<PortStatusRow>> port_status_;
    HashSet<Uuid> port_status_dirty_;
    HashMap<Uuid, std::string> bfd_status_;
    HashSet<Uuid> bfd_status_dirty_;
    StatusColumn<nb::NetworkFunctionGroup, std::optional<Uuid>> active_functions_{
        nb::NetworkFunctionGroup::kNetworkFunctionActive};
    StatusColumn<nb::LogicalSwitchPortHealthCheck, std::optional<std::string>> port_health_{
        nb::LogicalSwitchPortHealthCheck::kStatus};
    HashMap<Uuid, Uuid> gateway_status_;  // router port → chassis
    HashSet<Uuid> gateway_dirty_;
    int64_t rests_until_ms_ = 0;  // monotonic
    std::unique_ptr<net::Loop::Timer> rest_timer_;
    std::unique_ptr<net::Loop::Turn> turn_;
    Aging aging_;
    int64_t aging_armed_ = 0;  // for which time
    std::unique_ptr<net::Loop::Timer> aging_timer_;
};

}  // namespace weft::northd
