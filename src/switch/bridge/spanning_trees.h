// The spanning tree protocols of a switch's bridges: between rows, ports and the protocols (protocols/stp.h,
// protocols/rstp.h).
//
// configure() follows a bridge's rows, received() takes the BPDUs that came in, run() sends what is due and
// carries changes to where they matter: the ports' states, what was learnt on them, the log, and, by the
// callback, the database.  A bridge speaks one of the two, RSTP if both are asked for.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "schema/vswitch.h"
#include "switch/ofproto/bridge.h"
#include "switch/protocols/rstp.h"
#include "switch/protocols/stp.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class SpanningTrees {
  public:
    using FindBridge = std::function<Bridge*(std::string_view)>;
    using FindBacker = std::function<Backer*(const OfPort&)>;
    // `changed` is called when a status differs from what it was.
    SpanningTrees(net::Loop& loop, FindBridge find_bridge, FindBacker find_backer,
                  std::function<void()> changed);

    // `ports`: the rows of the bridge's ports.  What is wrong with them is told in `warnings`.
    void configure(const schema::vswitch::Bridge& row, Bridge& bridge,
                   const std::vector<const schema::vswitch::Port*>& ports,
                   std::vector<std::string>& warnings);
    void remove_bridge(const std::string& name);
    void received(OfPort& port, const packet::Packet& packet);
    void ports_changed();  // a link went up or down
    void run();            // once in every turn

    bool speaks_stp(std::string_view bridge) const;
    bool speaks_rstp(std::string_view bridge) const;
    std::vector<std::string> bridges() const;
    std::string show(std::string_view bridge) const;
    void force_topology_change(std::string_view bridge);

    // The columns of the database.
    using Statistics = ovsdb::Map<std::string, int64_t>;
    ovsdb::StringMap bridge_status(std::string_view bridge) const;       // Bridge.status
    ovsdb::StringMap bridge_rstp_status(std::string_view bridge) const;  // Bridge.rstp_status
    struct PortColumns {
        ovsdb::StringMap status, rstp_status;
        Statistics statistics, rstp_statistics;
    };
    PortColumns port_columns(std::string_view bridge, const std::string& port) const;

  private:
    struct Tree {
        std::unique_ptr<Stp> stp;
        std::unique_ptr<Rstp> rstp;
        std::map<uint16_t, std::string> ports;    // interfaces (and ports), by the protocol's numbers
        std::map<std::string, uint16_t> numbers;  // and back
        std::map<std::string, bool> mcheck;       // as the rows had it
        std::string reported;                     // show() when the database was told last
    };
    Tree* find(std::string_view bridge);
    const Tree* find(std::string_view bridge) const;
    bool takes_part(const schema::vswitch::Port& row, const Bridge& bridge, const char* key, const char* name,
                    std::vector<std::string>& warnings) const;
    void configure_stp(Tree& tree, const schema::vswitch::Bridge& row, Bridge& bridge,
                       const std::vector<const schema::vswitch::Port*>& ports,
                       std::vector<std::string>& warnings);
    void configure_rstp(Tree& tree, const schema::vswitch::Bridge& row, Bridge& bridge,
                        const std::vector<const schema::vswitch::Port*>& ports,
                        std::vector<std::string>& warnings);
    void leave(Tree& tree, Bridge& bridge);
    void run(const std::string& name, Tree& tree, int64_t now_ms);
    void set_state(Bridge& bridge, OfPort& port, TreeState state);
    void send(Bridge& bridge, const Tree& tree, const std::vector<TreeMessage>& messages);
    void wake();

    net::Loop& loop_;
    FindBridge find_bridge_;
    FindBacker find_backer_;
    std::function<void()> changed_;
    std::map<std::string, Tree, std::less<>> trees_;  // by bridge
    std::unique_ptr<net::Loop::Timer> timer_;
    bool due_ = false;
};

}  // namespace weft::vswitch
