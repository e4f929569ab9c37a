// The switch: what the Open_vSwitch database says, carried out.
//
// reconfigure() compares the database's contents with the bridges, ports and tunnels there are, and changes
// what differs; it runs whenever the contents, a device or a datapath's port changed, and does nothing where
// all is as it should be.  What came of it (ofport, datapath_id, error, link_state, statistics, cur_cfg …) is
// written back.
//
// Nothing is remembered between runs of the daemon but the database: a restart rebuilds everything from it.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "datapath/netdev/links.h"
#include "net/loop.h"
#include "ovsdb/client/replica.h"
#include "switch/bridge/bonds.h"
#include "switch/bridge/continuity_checks.h"
#include "switch/bridge/exporters.h"
#include "switch/bridge/in_band.h"
#include "switch/bridge/link_discovery.h"
#include "switch/bridge/port_monitors.h"
#include "switch/bridge/shaping.h"
#include "switch/bridge/spanning_trees.h"
#include "switch/bridge/switch_settings.h"
#include "switch/bridge/tls_settings.h"
#include "switch/bridge/vlan_options.h"
#include "switch/underlay/underlay.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class ConnectionManager;

struct SwitchOptions {
    std::string database = "";  // remote of the Open_vSwitch database; "" the default socket
    enum class Dummy { kNone, kEnabled, kSystem, kOverride };
    Dummy dummy = Dummy::kNone;
    net::TlsConfig tls;         // of the command line
    bool system = true;         // false: --disable-system
    bool system_routes = true;  // false: --disable-system-route: tunnels may not follow the host's routes
};

class Switch {
  public:
    Switch(net::Loop& loop, SwitchOptions options);
    ~Switch();

    Result<void> start();
    bool configured() const { return configured_; }  // once, at least
    void set_on_configured(std::function<void()> callback) { on_configured_ = std::move(callback); }

    // By name, of whatever datapath type.
    Bridge* bridge(std::string_view name) const;
    Backer* backer_of(std::string_view bridge) const;
    std::vector<Bridge*> bridges() const;  // by name
    const std::map<std::string, std::unique_ptr<Backer>>& backers() const { return backers_; }
    // A datapath by "TYPE@NAME" or "NAME"; "" the only one.
    Backer* find_datapath(std::string_view name) const;
    // Datapaths that an operator has made by hand, without bridges; by "TYPE@NAME".
    const std::map<std::string, std::unique_ptr<Backer>>& manual_datapaths() const {
        return manual_datapaths_;
    }
    Result<Backer*> add_manual_datapath(const std::string& type, const std::string& name);
    void remove_manual_datapath(const std::string& full_name);
    ConnectionManager& connections() { return *connections_; }
    PortMonitors& monitors() { return monitors_; }
    ContinuityChecks& continuity() { return continuity_; }
    const LinkDiscovery& discovery() const { return discovery_; }
    SpanningTrees& trees() { return trees_; }
    Bonds& bonds() { return bonds_; }
    const Exporters& exporters() const { return exporters_; }
    const Shaping& shaping() const { return shaping_; }
    Underlay& underlay() { return underlay_; }
    // "dummy", "geneve", "internal": as the datapath knows the interface's type.
    std::string device_type(const OfPort& port) const;
    std::string connection_status() const { return replica_->connection_status(); }
    // Options as they were given, of a port: "key=flow, remote_ip=1.2.3.4".
    std::string port_options(const OfPort& port) const;
    void set_port_up(const OfPort& port, bool up);  // as a controller's port-mod wishes
    // Something that is written to the database is not what it was.
    void status_changed() { write_pending_ = true, loop_.wake(); }
    void reconfigure_soon() { dirty_ = true, loop_.wake(); }
    // exit --cleanup: what the kernel holds of us goes too.
    void clean_up();

  private:
    struct Interface {  // a port that exists
        std::string bridge;
        std::string type;  // as in the row
        ovsdb::StringMap options;
        std::optional<packet::EthAddr> mac;
        uint32_t number = 0;
        std::string vport;    // the datapath's port that tunnels share
        std::string error;    // it could not be made: why
        bool retry = false;   // when a device appears
        int mtu_request = 0;  // 0: none
        std::string egress;   // of a tunnel: the device by which its packets leave, as of the last look
    };

    void turn();
    void reconfigure();
    std::string datapath_type(const std::string& wanted) const;
    Result<std::unique_ptr<datapath::Datapath>> make_datapath(const std::string& type,
                                                              const std::string& name);
    Result<Backer*> backer(const std::string& type);
    void configure_bridge(const schema::vswitch::Bridge& row, Bridge& bridge, Backer& backer);
    void configure_port(const schema::vswitch::Port& port, Bridge& bridge, Backer& backer,
                        const schema::vswitch::AutoAttach* attach);
    void configure_bond(const schema::vswitch::Port& port, Bridge& bridge);
    void configure_monitors(const schema::vswitch::Interface& row, Bridge& bridge,
                            const schema::vswitch::AutoAttach* attach);
    void configure_tables(const schema::vswitch::Bridge& row, Bridge& bridge);
    void configure_multicast(const schema::vswitch::Bridge& row, Bridge& bridge);
    Result<void> add_interface(const schema::vswitch::Interface& row, Bridge& bridge, Backer& backer,
                               Interface& state);
    Result<datapath::PortNo> tunnel_vport(Backer& backer, const TunnelConfig& config, std::string& name);
    void remove_interface(const std::string& name);
    void release_vport(Backer& backer, const std::string& name);
    void refresh_port(OfPort& port);
    void follow_mtus(Bridge& bridge);
    void set_mtu(OfPort& port, int mtu);
    void refresh_dummies();
    void follow_settings(const schema::vswitch::OpenVSwitch* root);
    void apply_settings(Backer& backer) const;
    void choose_local_mac(const schema::vswitch::Bridge& row, Bridge& bridge);
    uint32_t wanted_number(const schema::vswitch::Interface& row, const Bridge& bridge) const;
    void say_once(const std::string& line, bool error = false);

    void write_back(bool statistics);
    void write_interface(ovsdb::client::Transaction& txn, const schema::vswitch::Interface& row,
                         bool statistics);
    void write_bridge(ovsdb::client::Transaction& txn, const schema::vswitch::Bridge& row, bool statistics);
    void write_ports(ovsdb::client::Transaction& txn, const schema::vswitch::Bridge& row, bool statistics);
    ovsdb::Map<std::string, int64_t> interface_statistics(const OfPort& port) const;
    void look_for_egress(const OfPort& port, Interface& state) const;

    net::Loop& loop_;
    SwitchOptions options_;
    std::unique_ptr<ovsdb::client::Replica> replica_;
    std::unique_ptr<datapath::Links> links_;
    Underlay underlay_;
    std::map<std::string, std::unique_ptr<Backer>> backers_;  // by datapath type
    std::map<std::string, std::unique_ptr<Backer>> manual_datapaths_;
    std::map<std::string, std::string> bridge_types_;  // bridge -> the datapath type that serves it
    std::map<std::string, Interface> interfaces_;      // by name
    std::map<std::string, int> vports_;                // users of each shared tunnel port
    std::map<std::string, int> internal_mtus_;         // by bridge: what internal ports follow
    TlsSettings tls_;
    std::unique_ptr<ConnectionManager> connections_;
    PortMonitors monitors_;
    ContinuityChecks continuity_;
    LinkDiscovery discovery_;
    SpanningTrees trees_;
    Bonds bonds_;
    Exporters exporters_;
    Shaping shaping_;
    InBand in_band_;
    SwitchSettings settings_;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> statistics_timer_;
    std::set<std::string> said_;
    std::function<void()> on_configured_;
    uint64_t dummy_link_changes_ = 0;  // those that refresh_dummies() has seen
    bool dirty_ = true;                // an empty database is carried out, too
    bool configured_ = false;
    bool write_pending_ = false, committing_ = false;
    bool had_lock_ = false;
    int64_t applied_cfg_ = 0;
};

}  // namespace weft::vswitch
