// The bonds and the LACP of a switch: between Port rows, bundles and the protocols (protocols/bond.h,
// protocols/lacp.h).
//
// configure() follows a row, received() takes the frames that translation found to be LACP's, run() sends
// what is due and carries decisions to where they matter: the bundle (translation asks its Bond), the log,
// the neighbours (learning packets) and, by the callback, the database.
//
// A bundle's Bond is shared with it; everything else of a bond is here, by the name of the port.  Ports and
// bundles that go are forgotten through remove_port() and remove_bundle() before they are destroyed.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "schema/vswitch.h"
#include "switch/bridge/datapath_bond.h"
#include "switch/ofproto/bridge.h"
#include "switch/protocols/bond.h"
#include "switch/protocols/lacp.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class Bonds {
  public:
    using FindBacker = std::function<Backer*(const Bridge&)>;
    // `changed` is called when something that is written to the database is not what it was.
    Bonds(net::Loop& loop, FindBacker find_backer, std::function<void()> changed);

    void configure(const schema::vswitch::Port& row,
                   const std::vector<const schema::vswitch::Interface*>& rows, Bundle& bundle, Bridge& bridge,
                   std::vector<std::string>& warnings);
    void remove_port(const OfPort& port);
    void remove_bundle(const Bridge& bridge, const std::string& name);
    void remove_bridge(const Bridge& bridge);
    void clear();

    void received(OfPort& port, const packet::Packet& packet);
    void carrier_changed(const OfPort& port);
    void run();  // once in every turn

    // --- for commands and the database
    struct Group {
        Bridge* bridge = nullptr;
        Bundle* bundle = nullptr;
        std::shared_ptr<Bond> bond;  // null: a port of one interface
        std::unique_ptr<Lacp> lacp;  // null: off
        uint32_t recirc_id = 0;
        RecirculationRefs recirculation;
        std::unique_ptr<DatapathBond> spread;          // null: packets recirculate
        std::string active_mac;                        // as it was reported
        std::map<std::string, bool> partner_reported;  // by interface
    };
    const std::map<std::string, Group>& groups() const { return groups_; }
    std::map<std::string, Group>& groups() { return groups_; }
    Group* find(std::string_view port);
    std::optional<std::string> active_mac(std::string_view port) const;  // Port:bond_active_slave
    std::optional<bool> lacp_current(const OfPort& port) const;          // Interface:lacp_current
    void pull_loads(Group& group);  // what the datapath counted goes into the buckets
    void wake() { loop_.wake(); }

  private:
    void run(Group& group, int64_t now_ms);
    void exchange(Group& group, int64_t now_ms);
    void teach(Group& group);
    void choose_spread(Group& group, std::vector<std::string>& warnings);
    void spread(Group& group);
    void send(Group& group, const OfPort& port, packet::Packet packet);
    void drop_lacp(Group& group);
    void drop_bond(Group& group);

    net::Loop& loop_;
    FindBacker find_backer_;
    std::function<void()> changed_;
    std::map<std::string, Group> groups_;  // by port
    uint32_t last_datapath_bond_ = 0;
    std::unique_ptr<net::Loop::Timer> timer_;
};

}  // namespace weft::vswitch
