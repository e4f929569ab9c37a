// Next hops of ECMP routes with symmetric replies (ovn-sb(5), ECMP_Nexthop; ovn-nb(5),
// NB_Global:options:ecmp_nexthop_monitor_enable): a connection that came in through one keeps its Ethernet
// address in ct_label[32..79] and the number of the router's port in ct_mark[16..31], and its answers go back
// there.  When the next hop goes, its connections end, so that what follows finds another one.
//
// The chassis of the router's port finds out a next hop's Ethernet address, from what routers learn, unless
// northd knows it; next hops without one have no connections that could be told apart.  Ending connections by
// their label needs a switch that understands it: Weft's, or Open vSwitch 3.4.  What vanishes while the
// controller is away stays.

#pragma once

#include <vector>

#include "controller/ending_connections.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

struct WatchedNexthop {
    packet::EthAddr mac{};
    uint16_t port_key = 0, zone = 0;
    bool operator==(const WatchedNexthop&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const WatchedNexthop& n) {
        return H::combine(std::move(h), n.mac, n.port_key, n.zone);
    }
};

openflow::CtFlush flush_of(const WatchedNexthop& gone);

class EcmpNexthops {
  public:
    explicit EcmpNexthops(SouthboundView& view);
    ~EcmpNexthops();

    // Tells the southbound database the addresses that are known by now.
    void write_addresses(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);
    std::vector<openflow::CtFlush> take_to_flush() { return watched_.take_to_flush(); }

  private:
    void list(const Uuid& nexthop);

    SouthboundView& view_;
    EndingConnections<WatchedNexthop> watched_{view_, "ECMP next hops", view_.ecmp_nexthops,
                                               [this](const Uuid& uuid) { list(uuid); }};
};

}  // namespace weft::controller
