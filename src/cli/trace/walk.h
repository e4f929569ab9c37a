// A packet's walk through a logical network (ovn-trace(8)).
//
// run() begins at the ingress pipeline of a datapath and follows every possibility: where connection tracking
// or a load balancer would decide by state that the database does not hold, the walk takes what the settings
// say, and continues both after the action and behind it.  What each logical action does is in actions/*.cc,
// by way of the table in actions/dispatch.cc.
//
// Pipelines that go round in circles are cut off at kMaxDepth tables within tables, and those that fork on
// the way at kMaxTables in all.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/u128.h"
#include "cli/ofctl/cookie_flows.h"
#include "cli/trace/network.h"
#include "cli/trace/node.h"
#include "logical/action.h"
#include "packet/flow.h"

namespace weft::cli::trace {

struct Settings {
    std::vector<uint32_t> ct_states;  // of the actions that track, one after the other; then established
    struct Address {
        bool ipv6 = false;
        U128 value = 0;
        uint16_t port = 0;  // 0: unchanged
    };
    std::optional<Address> lb_destination;
    std::optional<uint16_t> select_id;
    const ofctl::CookieFlows* bridge = nullptr;  // --ovs
};

// Where an action runs.
struct Place {
    const Datapath* datapath = nullptr;
    logical::Pipeline pipeline = logical::Pipeline::kIngress;
    uint8_t table = 0;
};

using Stack = std::vector<U128>;  // of push and pop: of one list of actions

class Walk {
  public:
    static constexpr int kMaxDepth = 1024;  // tables within tables: bounds the stack
    static constexpr int kMaxTables = 100000;

    Walk(const Network& network, const Settings& settings) : network_(network), settings_(settings) {}

    Nodes run(const Datapath& datapath, const packet::Flow& packet);

    // For actions.  They change `packet` and append to `nodes`; `tail` says that nothing follows in the list.
    void run_actions(const logical::Actions& actions, const Place& place, packet::Flow& packet, Nodes& nodes);
    void run_table(const Place& place, packet::Flow& packet, bool tail, Nodes& nodes);
    // Goes to a table, with a heading if that is in the other pipeline.
    void go_to(const Place& from, logical::Pipeline pipeline, uint8_t table, packet::Flow& packet, bool tail,
               Nodes& nodes);
    void output(const Place& place, packet::Flow& packet, bool tail, Nodes& nodes);
    // What the next action that tracks connections finds; `note` gets a remark if nobody said.
    uint32_t next_ct_state(std::string& note);

    const Network& network() const { return network_; }
    const Settings& settings() const { return settings_; }
    // "" for none, "(unnamed)" for keys that no port has.
    std::string port_name(const Datapath& datapath, uint32_t key) const;

  private:
    void output_to_group(const Place& place, const MulticastGroup& group, const packet::Flow& packet,
                         bool tail, Nodes& nodes);
    std::string egress_text(const Datapath& datapath, const packet::Flow& packet) const;
    void enter_egress(const Place& place, packet::Flow packet, bool tail, Nodes& nodes);
    void deliver(const Place& place, const packet::Flow& packet, bool tail, Nodes& nodes);

    const Network& network_;
    const Settings& settings_;
    size_t next_ct_ = 0;
    int depth_ = 0, tables_ = 0;
};

// "est|trk".
std::string ct_state_text(uint32_t state);

}  // namespace weft::cli::trace
