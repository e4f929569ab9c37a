// LLDP and Auto Attach on the ports of a switch: between Interface and AutoAttach rows, ports and the
// protocol (protocols/lldp.h).
//
// configure() follows a row, received() takes the packets that translation found to be LLDP's, run() sends
// what is due.  The VLANs that stand for services are added to the trunks of the Port rows whose interfaces
// speak LLDP, and taken away again, by write_trunks(), as Open vSwitch does: they are wanted there by the
// network.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/loop.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"
#include "schema/vswitch.h"
#include "switch/ofproto/port.h"
#include "switch/protocols/lldp.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

class LinkDiscovery {
  public:
    using FindBacker = std::function<Backer*(const OfPort&)>;
    LinkDiscovery(net::Loop& loop, FindBacker find_backer);

    // The port's agent as its row's `lldp` says; `attach` is its bridge's row, null: none.
    void configure(OfPort& port, const schema::vswitch::Interface& row,
                   const schema::vswitch::AutoAttach* attach);
    void remove(const OfPort& port);
    void received(OfPort& port, const packet::Packet& packet);
    void run();  // once in every turn

    const Lldp* find(std::string_view interface) const;  // nullptr: it does not speak LLDP
    std::vector<std::string> names() const;
    void write_trunks(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& replica);

  private:
    struct Agent {
        OfPort* port = nullptr;
        std::unique_ptr<Lldp> lldp;
        std::set<uint16_t> vlans;  // of its services
    };

    void send(const Agent& agent, const packet::Lldpdu& unit);

    net::Loop& loop_;
    FindBacker find_backer_;
    std::map<std::string, Agent, std::less<>> agents_;   // by interface
    std::map<std::string, std::set<uint16_t>> trunked_;  // by Port: VLANs that are there by us
    std::unique_ptr<net::Loop::Timer> timer_;
    bool due_ = false;
};

}  // namespace weft::vswitch
