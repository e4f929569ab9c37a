// What this chassis fetches of the southbound database (external_ids:ovn-monitor-all=false, the default): the
// rows of its local datapaths, the ports that could make a datapath local, and of Chassis_Private its own row
// and those of chassis that had one of its addresses before: every chassis writes there for every change of
// the network, and whoever is told of all has as many messages as there are chassis.
//
// Which datapaths are local follows from rows that were fetched, and what is fetched from the local
// datapaths: update() is called every turn (what it does are steps, incremental/step.h), and things have
// settled once it changes nothing any more and the server has answered.  With ovn-monitor-all=true everything
// else is fetched.

#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "controller/configuration.h"
#include "controller/southbound_view.h"
#include "incremental/step.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class MonitorConditions {
  public:
    MonitorConditions(ovsdb::client::Replica& southbound, SouthboundView& view)
        : southbound_(southbound), view_(view) {}

    // Before the replica's start(): nothing yet of what is fetched by datapath.
    void begin(const Configuration& configuration);
    void update(const Configuration& configuration);
    void update_private_rows(const Configuration& configuration);
    // The rows that are here are those that the last update() asked for.
    bool settled() const { return southbound_.condition_sequence() >= wanted_sequence_; }

  private:
    void choose_ports(const Configuration& configuration);
    void choose_by_datapath(const Configuration& configuration);
    void choose_by_group();
    void everything();
    template <typename Row>
    void set(ovsdb::client::Condition condition);

    ovsdb::client::Replica& southbound_;
    SouthboundView& view_;
    incremental::Step ports_{view_.engine, "choose ports to fetch"};
    incremental::Step by_datapath_{view_.engine, "choose datapaths to fetch"};
    incremental::Step by_group_{view_.engine, "choose datapath groups to fetch"};
    uint64_t wanted_sequence_ = 0;
    std::set<std::string> chassis_;  // whose Chassis_Private is fetched
};

}  // namespace weft::controller
