// All OpenFlow connections of all bridges: the management and snoop sockets, the configured controllers, and
// who gets what.
//
// A controller of the database is connected to actively (with back-off and inactivity probes, as
// ovs-vswitchd.conf.db(5) tells) or listened for.  When a bridge with fail_mode standalone has lost all its
// controllers for three probe intervals, it forwards by itself until one is back.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/connection/of_connection.h"

namespace weft::vswitch {

class Switch;

class ConnectionManager {
  public:
    ConnectionManager(net::Loop& loop, Switch& owner);
    Switch& owner() { return owner_; }
    ~ConnectionManager();

    // Brings the sockets and controllers of a bridge in line with its row.
    void configure(const schema::vswitch::Bridge& row, Bridge& bridge, Backer& backer,
                   const ovsdb::client::Replica& db, bool fresh);
    void remove_bridge(const std::string& name);
    void write_status(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& db) const;
    void reconnect(const std::string& bridge);  // "" all
    // While held, no controller is connected to.
    void hold(bool held) { held_ = held; }
    // How long a bundle may be left alone.
    void set_bundle_idle(int64_t ms) { bundle_idle_ms_ = ms; }

    void packet_in(PacketIn packet);

    // For connections.
    void snoop(const Bridge& bridge, ByteView message);
    void connection_ready(OfConnection& connection);
    void demote_primaries(const Bridge& bridge, const OfConnection* but);
    bool accept_generation(const Bridge& bridge, uint64_t generation);
    std::optional<uint64_t> generation(const Bridge& bridge) const;
    uint32_t allocate_meter(Backer& backer);
    void set_port_up(const OfPort& port, bool up);
    std::string version() const;
    Bytes encode_continuation(uint32_t id) const;
    std::optional<uint32_t> decode_continuation(ByteView bytes) const;

  private:
    struct Controller;
    struct BridgeState;
    class Events;

    BridgeState* state_of(const Bridge& bridge) const;
    void accept(BridgeState& state, std::unique_ptr<net::Stream> stream, OfConnection::Kind kind,
                Controller* controller);
    void closed(BridgeState& state, OfConnection& connection, const std::string& reason);
    void connect(BridgeState& state, Controller& controller);
    void schedule(BridgeState& state, Controller& controller, bool failed);
    void tick();
    void update_miss_policy(BridgeState& state);

    net::Loop& loop_;
    Switch& owner_;
    std::map<std::string, std::unique_ptr<BridgeState>> bridges_;
    std::unique_ptr<net::Loop::Timer> timer_;
    std::unique_ptr<net::Loop::Turn> turn_;
    // Connections that ended inside their own callbacks.
    std::vector<std::unique_ptr<OfConnection>> dead_;
    uint64_t epoch_;
    bool held_ = false;
    int64_t bundle_idle_ms_ = 10000;
};

}  // namespace weft::vswitch
