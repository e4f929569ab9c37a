// A simulated chassis: to the southbound database what an ovn-controller is.
//
// It registers itself, asks for the rows of its datapaths as ovn-controller does
// (controller/monitor_conditions.h), binds the ports that are plugged into it, reports them up, and
// acknowledges every nb_cfg once it has all that it asked for.  It keeps next to nothing of what it hears and
// makes no flows, so thousands of them fit into one process; what they cost the server and northd is what
// real ones cost.
//
// ovn-controller follows patch ports without end.  In a network where everything is joined each chassis then
// hears of everything, so the simulation bounds it: Options::hops.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "json/value.h"
#include "net/json_rpc.h"
#include "ovsdb/client/condition.h"
#include "sim/topology.h"

namespace weft::sim {

class Chassis {
  public:
    struct Options {
        std::string southbound;  // remote
        std::string name;        // also its system-id
        std::string address;     // of its tunnels
        size_t hops = 0;         // patch ports that it follows from the datapaths of its ports
    };
    // `progress`: something that the accessors below tell has changed.
    Chassis(net::Loop& loop, Options options, Topology& topology, std::function<void()> progress);

    void plug(const std::string& port);
    void unplug(const std::string& port);

    const std::string& name() const { return options_.name; }
    size_t plugged() const { return plugged_.size(); }
    size_t up() const { return up_; }  // of the plugged ones
    bool settled() const { return own_ && up_ == plugged_.size(); }
    int64_t nb_cfg() const { return acknowledged_; }
    uint64_t rows() const { return rows_; }  // that it was told of, inserted, changed or deleted
    const std::string& trouble() const { return trouble_; }  // what the server refused, "" if nothing

  private:
    struct Port {
        std::string name;
        Uuid datapath;
        bool bound = false, up = false;
    };
    using Conditions = std::map<std::string, ovsdb::client::Condition>;  // by table

    void ask();
    void hear(const net::Message& message);
    void apply(const json::Value& updates);
    void apply_port(const Uuid& uuid, const json::Object& update);
    void apply_global(const json::Object& update);
    void apply_chassis(const Uuid& uuid, const json::Object& update);
    void later();
    void flush();
    Conditions wanted() const;
    void change_conditions();
    void transact();

    net::Loop& loop_;
    Options options_;
    Topology& topology_;
    std::function<void()> progress_;
    HashSet<std::string> plugged_;
    HashMap<Uuid, Port> ports_;  // the bindings of plugged ports
    HashSet<Uuid> groups_;       // of datapaths, that were told
    Conditions asked_;
    bool may_want_more_ = true;  // what wanted() depends on has changed
    std::optional<Uuid> own_;    // the Chassis row
    bool registering_ = false, flush_pending_ = false;
    size_t unanswered_ = 0;  // changes of conditions
    size_t up_ = 0;
    int64_t nb_cfg_ = 0, acknowledged_ = 0;
    uint64_t rows_ = 0;
    int64_t next_id_ = 1;
    HashSet<int64_t> condition_ids_;
    std::string trouble_;
    net::RpcSession session_;
};

}  // namespace weft::sim
