// ovn-controller: the southbound database in, OpenFlow and local configuration out (ovn-controller(8)).
//
// One turn of the loop: read the configuration, keep the integration bridge, the chassis' rows and the
// tunnels as they should be, find the local datapaths, claim and release ports, bring the flows up to date,
// send what changed, and report what the switch has confirmed.  Each step is idempotent, compares what is
// with what should be, and is left out while nothing of that has changed (steps.h); a database is written
// only when no earlier write is in flight.
//
// Until the southbound database is known as far as it concerns this chassis, the switch keeps the flows that
// it has: a controller that starts again does not interrupt traffic.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/address_use.h"
#include "controller/announcements.h"
#include "controller/balanced_connections.h"
#include "controller/binding.h"
#include "controller/bridge_connection.h"
#include "controller/configuration.h"
#include "controller/ct_zones.h"
#include "controller/ecmp_nexthops.h"
#include "controller/evpn_exchange.h"
#include "controller/lflow/logical_flows.h"
#include "controller/monitor_conditions.h"
#include "controller/own_ports.h"
#include "controller/physical/physical_flows.h"
#include "controller/pinctrl/packet_in.h"
#include "controller/route_exchange.h"
#include "controller/southbound_view.h"
#include "controller/steps.h"
#include "controller/switch_ports.h"
#include "controller/vif_plug.h"
#include "net/control_server.h"
#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class Controller {
  public:
    struct Options {
        std::string vswitch_remote;    // the local Open_vSwitch database
        std::string chassis_override;  // -n, or the system-id-override file
        net::TlsConfig tls;            // of the command line
    };
    Controller(net::Loop& loop, Options options);
    ~Controller();

    void add_commands(net::ControlServer& control);
    // Leaves the network: chassis, bindings and tunnels go.  `done` is called when that is written or cannot
    // be.
    void leave(std::function<void()> done);

  private:
    // One turn's view of the local side; null while something is missing.
    struct Local {
        const schema::vswitch::OpenVSwitch* root = nullptr;
        const schema::vswitch::Bridge* bridge = nullptr;
        const schema::sb::Chassis* chassis = nullptr;
    };

    void turn();
    void follow_configuration(const schema::vswitch::OpenVSwitch& root);
    // The configuration, read by a step.
    const Configuration& configured();
    void follow_remote();
    void follow_tls(const schema::vswitch::OpenVSwitch& root);
    bool northd_fits();
    Local keep_rows(ovsdb::client::Transaction* vswitch_txn, ovsdb::client::Transaction* southbound_txn);
    void keep_tunnel_rows(const Local& local, ovsdb::client::Transaction& vswitch_txn);
    // Finds out what is local, for the view.
    void update_local_state(const Local& local);
    void find_bridge_ports();
    void find_tunnels(std::set<std::string> chassis);
    void find_datapaths();
    void find_evpns();
    void note_start(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& vswitch_txn) const;
    void update_zones(const Local& local);
    void keep_ports(const Local& local, ovsdb::client::Transaction* vswitch_txn,
                    ovsdb::client::Transaction* southbound_txn);
    void keep_local_rows(const Local& local, ovsdb::client::Transaction& vswitch_txn);
    void keep_sessions(ovsdb::client::Transaction& vswitch_txn);
    void keep_bindings(ovsdb::client::Transaction& southbound_txn);
    void note_sessions(BindingFacts& facts);
    void update_flows(const Local& local);
    // For operators who doubt: computes everything afresh and says what that changed.
    void compute_afresh();
    void watch_use();
    void announce();
    void write_reports(const Local& local, ovsdb::client::Transaction& vswitch_txn,
                       ovsdb::client::Transaction& southbound_txn);
    void report_ports(ovsdb::client::Transaction& vswitch_txn, ovsdb::client::Transaction& southbound_txn);
    // Ports whose report that they are up has changed, by us or by others.
    void note_reported();
    void report_port(const std::string& name, ovsdb::client::Transaction& vswitch_txn,
                     ovsdb::client::Transaction& southbound_txn);
    void take_back_installed(const std::string& name, ovsdb::client::Transaction& vswitch_txn);
    void save_zones(const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& vswitch_txn);
    void report_configuration(const Local& local, ovsdb::client::Transaction& vswitch_txn,
                              ovsdb::client::Transaction& southbound_txn);
    void commit(ovsdb::client::Replica& replica, std::optional<ovsdb::client::Transaction>& txn);
    void wake_at(int64_t monotonic_ms);
    void add_evpn_commands(net::ControlServer& control);  // evpn_commands.cc
    void add_debug_commands(net::ControlServer& control);
    Result<std::string> inject_packet(const std::string& microflow);

    net::Loop& loop_;
    Options options_;
    int64_t started_wall_ms_;
    ovsdb::client::Replica vswitch_;
    std::unique_ptr<ovsdb::client::Replica> southbound_;
    std::vector<std::string> southbound_remotes_;
    Configuration configuration_;

    SwitchPorts switch_ports_;
    SouthboundView view_;
    OwnPorts own_{view_};
    PhysicalFlows physical_{view_};
    LogicalFlows logical_{view_};
    BalancedConnections balanced_{view_};
    EcmpNexthops ecmp_nexthops_{view_};
    AddressUse address_use_{view_};
    VifPlugs vif_plugs_;
    BridgeConnection bridge_{
        loop_, view_.flows,
        GroupSync(logical_.groups(), logical_.group_numbers(), logical_.meters(), logical_.meter_numbers())};
    PacketInHandler pinctrl_{loop_, view_, bridge_};
    Steps steps_{own_};
    Binding binding_{view_};
    std::optional<RouteExchange> routes_;
    std::optional<EvpnExchange> evpn_;
    std::optional<MonitorConditions> conditions_;
    Announcer announcer_;
    std::map<std::string, int64_t> watched_since_ms_;  // chassis to which BFD was asked for, or kProven
    CtZones ct_zones_;
    bool zones_restored_ = false;
    Uuid bridge_row_;  // the integration bridge, as of the last turn
    // The local state that the view has.
    struct {
        std::map<Uuid, LocalDatapath> datapaths;
        std::map<Uuid, Uuid> localnets;
    } last_;
    std::map<std::string, uint16_t> requested_zones_;
    std::set<std::string> changed_chassis_;  // whose southbound rows changed
    std::set<std::string> chassis_due_;      // whose tunnels are to be brought in line
    std::optional<int64_t> plug_again_ms_;   // when to look again for what is to be plugged
    // What the last decision about bindings was made with, beside what it read.
    std::set<std::string> alive_, unproven_;
    bool switch_was_there_ = false;
    std::set<Uuid> unbound_;  // ports whose binding is not yet as it should be

    uint64_t pushed_ = 0;                            // the last batch of flows sent
    std::map<std::string, uint64_t> ports_waiting_;  // claimed ports, and the batch after which they are up
    struct Report {
        int64_t nb_cfg;
        uint64_t batch;
        int64_t not_before_ms = 0;
    };
    std::optional<Report> report_;  // of SB_Global.nb_cfg, once the batch is confirmed
    int64_t reported_nb_cfg_ = -1;
    bool settled_ = false;      // the bindings are as they should be, and all that they need is fetched
    bool was_settled_ = false;  // once
    int64_t settled_first_ms_ = 0;
    int64_t report_delay_ms_ = 0;             // debug/delay-nb-cfg-report
    bool ignore_startup_delay_ = false;       // debug/ignore-startup-delay
    uint64_t recomputes_ = 0, computes_ = 0;  // of everything, and of what changed
    bool recompute_ = false;                  // inc-engine/recompute
    bool leaving_ = false, paused_ = false;
    std::unique_ptr<net::Loop::Timer> alarm_;
    std::optional<int64_t> alarm_ms_;  // what this turn armed it for
    std::unique_ptr<net::Loop::Turn> turn_;
};

}  // namespace weft::controller
