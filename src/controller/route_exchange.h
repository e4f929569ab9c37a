// Routes of routers with options:dynamic-routing, exchanged with a routing daemon of this host by a routing
// table of the kernel (ovn-nb(5); ovn-sb(5), Advertised_Route and Learned_Route).
//
// A router port takes part where its gateway is: on a gateway router's chassis, or the one that has the
// distributed gateway port.  What it announces stands in the table as blackholes of protocol 84, which the
// daemon tells its neighbours; the metric is better (100 before 1000) where the tracked port is here.  What
// others put into the table with a gateway is learnt, by the port whose network has the gateway, or the one
// whose options:dynamic-routing-port-name names the device.
//
// The table is that of options:dynamic-routing-vrf-id, else the datapath's tunnel key.  With
// options:dynamic-routing-maintain-vrf the VRF device is made and removed, too; a kernel without VRFs is
// warned of, and the table used all the same.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/southbound_view.h"
#include "net/routing_tables.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

// A router port that takes part.
struct RoutingPort {
    Uuid port, datapath;
    std::vector<std::pair<packet::Ipv6Addr, uint8_t>> networks;  // IPv4 in mapped form, with 96 bits more
    std::string device;                                          // that alone is listened to; "": any
    bool learns = true;
    bool operator==(const RoutingPort&) const = default;
};

// What is to be exchanged by one table.
struct RoutingPlan {
    std::string vrf;
    bool maintain = false;  // the VRF is ours to make
    std::set<net::KernelRoute> announced;
    std::vector<RoutingPort> ports;
    bool operator==(const RoutingPlan&) const = default;
};

struct LearntRoute {
    Uuid datapath, port;
    std::string prefix, nexthop;
    auto operator<=>(const LearntRoute&) const = default;
};

// By table.  Read from the view, which must be up to date.
std::map<uint32_t, RoutingPlan> find_routing_plans(SouthboundView& view,
                                                   const ovsdb::client::Replica& southbound);

// Which of the table's routes the plan's ports learn.
std::set<LearntRoute> learnt_routes(const RoutingPlan& plan, const std::vector<net::KernelRoute>& routes);

class RouteExchange {
  public:
    // `tables` may be null: then nothing is exchanged.
    explicit RouteExchange(std::unique_ptr<net::RoutingTables> tables) : tables_(std::move(tables)) {}

    void note_kernel_change() { look_again_ = true; }
    bool kernel_changed() const { return look_again_; }  // since the last run()
    // Brings the kernel's tables and the southbound rows of our ports up to date.
    void run(SouthboundView& view, const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);
    // Takes all of ours out of the kernel.
    void leave();

  private:
    void change_vrfs(const std::map<uint32_t, RoutingPlan>& wanted);
    void clear(uint32_t table);
    void keep_table(uint32_t table, const RoutingPlan& plan, std::set<LearntRoute>& learnt);
    void write_learnt(const ovsdb::client::Replica& southbound, const std::set<LearntRoute>& learnt,
                      ovsdb::client::Transaction& txn);

    std::unique_ptr<net::RoutingTables> tables_;
    std::map<uint32_t, RoutingPlan> plans_;
    std::map<uint32_t, std::string> vrfs_;  // that we made
    std::set<LearntRoute> learnt_;
    std::set<Uuid> former_ports_;  // that took part the last time
    bool look_again_ = true;
};

}  // namespace weft::controller
