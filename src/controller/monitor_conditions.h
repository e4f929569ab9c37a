// What this chassis fetches of the southbound database (external_ids:ovn-monitor-all=false, the default): the
// rows of its local datapaths, the ports that could make a datapath local, and of Chassis_Private its own row
// and those of chassis that had one of its addresses before: every chassis writes there for every change of
// the network, and whoever is told of all has as many messages as there are chassis.
//
// Which datapaths are local follows from rows that were fetched, and what is fetched from the local
// datapaths: update() is called every turn, and things have settled once it changes nothing any more and the
// server has answered.  With ovn-monitor-all=true everything else is fetched.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/configuration.h"
#include "controller/local_interfaces.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class MonitorConditions {
  public:
    explicit MonitorConditions(ovsdb::client::Replica& southbound) : southbound_(southbound) {}

    // Before the replica's start(): nothing yet of what is fetched by datapath.
    void begin(const Configuration& configuration);
    void update(SouthboundView& view, const Configuration& configuration);
    void update_private_rows(const Configuration& configuration);
    // The rows that are here are those that the last update() asked for.
    bool settled() const { return southbound_.condition_sequence() >= wanted_sequence_; }

  private:
    // What the conditions are made of: while it is the same, so are they.
    struct Basis {
        bool all = false;
        std::vector<Uuid> datapaths, groups;
        bool operator==(const Basis&) const = default;
    };
    // And that of ports, which changes with every port that comes to this host.
    struct PortBasis {
        std::optional<Uuid> own;
        std::vector<Uuid> datapaths;
        std::vector<std::string> names;
        bool operator==(const PortBasis&) const = default;
    };
    void update_ports(SouthboundView& view, const Configuration& configuration,
                      const std::vector<Uuid>& datapaths);

    void everything();
    template <typename Row>
    void set(ovsdb::client::Condition condition);

    ovsdb::client::Replica& southbound_;
    uint64_t wanted_sequence_ = 0;
    std::optional<Basis> basis_;
    std::optional<PortBasis> ports_;
    std::set<std::string> chassis_;  // whose Chassis_Private is fetched
};

}  // namespace weft::controller
