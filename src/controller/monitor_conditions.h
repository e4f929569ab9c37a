// What this chassis fetches of the southbound database (external_ids:ovn-monitor-all=false, the default): the
// rows of its local datapaths, and the ports that could make a datapath local.
//
// Which datapaths are local follows from rows that were fetched, and what is fetched from the local
// datapaths: update() is called every turn, and things have settled once it changes nothing any more and the
// server has answered.  With ovn-monitor-all=true everything is fetched.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/local_interfaces.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class MonitorConditions {
  public:
    explicit MonitorConditions(ovsdb::client::Replica& southbound) : southbound_(southbound) {}

    // Before the replica's start(): nothing yet of what is fetched by datapath.
    void begin(bool monitor_all);
    void update(SouthboundView& view, const std::string& chassis_name,
                const std::map<std::string, LocalInterface>& interfaces, bool monitor_all);
    // The rows that are here are those that the last update() asked for.
    bool settled() const { return southbound_.condition_sequence() >= wanted_sequence_; }

  private:
    // What the conditions are made of: while it is the same, so are they.
    struct Basis {
        bool all = false;
        std::optional<Uuid> own;
        std::vector<Uuid> datapaths, groups;
        std::vector<std::string> names;
        bool operator==(const Basis&) const = default;
    };

    void everything();
    template <typename Row>
    void set(ovsdb::client::Condition condition);

    ovsdb::client::Replica& southbound_;
    uint64_t wanted_sequence_ = 0;
    std::optional<Basis> basis_;
};

}  // namespace weft::controller
