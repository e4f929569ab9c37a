// A bridge: one OpenFlow switch.  Its tables, groups, meters and ports, and what happens when they change.
//
// Ownership: the bridge owns its rules' membership in tables, its groups, ports and bundles.  Whatever can
// change what a packet experiences bumps generation(); the upcall handler re-translates its megaflows then.
// Events (flow-removed, port status) go to the BridgeEvents observer, which sends them to controllers.
//
// Not thread-safe.

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "openflow/error.h"
#include "openflow/names.h"
#include "switch/ofproto/flow_mod.h"
#include "switch/ofproto/flow_table.h"
#include "switch/ofproto/group.h"
#include "switch/ofproto/hidden_flow.h"
#include "switch/ofproto/learned_cookies.h"
#include "switch/ofproto/mac_table.h"
#include "switch/ofproto/mirror.h"
#include "switch/ofproto/multicast_table.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

enum class FragMode : uint8_t { kNormal = 0, kDrop = 1, kNxMatch = 3 };  // OFPC_FRAG_...
enum class FailMode : uint8_t { kStandalone, kSecure };
enum class PortReason : uint8_t { kAdd = 0, kDelete = 1, kModify = 2 };
// What a flow monitor is told.
enum class FlowEvent : uint8_t { kAdded, kDeleted, kModified };

class BridgeEvents {
  public:
    virtual ~BridgeEvents() = default;
    virtual void flow_removed(const Rule& rule, RemovedReason reason) = 0;
    virtual void flow_changed(const Rule& rule, FlowEvent event, RemovedReason reason) = 0;
    virtual void vacancy_changed(uint8_t table) = 0;  // past one of its marks
    virtual void port_status(const OfPort& port, PortReason reason) = 0;
};

struct MeterEntry {
    datapath::MeterConfig config;
    uint32_t datapath_id = 0;  // of the datapath's meter
    uint16_t flags = 0;        // OFPMF_...
    std::vector<uint8_t> band_prec;
};

class Netflow;

// Which packets are told to collectors (bridge/exporters.h), as translation needs to know it.
struct Sampling {
    uint32_t sflow_probability = 0;  // of UINT32_MAX; 0: off
    uint32_t ipfix_probability = 0;
    bool ipfix_input = true, ipfix_output = true, ipfix_tunnels = true;
    bool collected = false;  // by sets that sample actions name
    bool operator==(const Sampling&) const = default;
};

class Bridge {
  public:
    Bridge(std::string name, std::string datapath_type);
    ~Bridge();
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    const std::string& name() const { return name_; }
    const std::string& datapath_type() const { return datapath_type_; }

    // --- configuration
    uint64_t datapath_id = 0;
    packet::EthAddr local_mac{};
    FailMode fail_mode = FailMode::kStandalone;
    FragMode frag_mode = FragMode::kNormal;
    bool forward_bpdu = false;
    bool spanning_tree = false;      // the bridge speaks STP or RSTP: BPDUs are the protocol's
    bool packet_in_on_miss = false;  // a controller of OpenFlow 1.0 to 1.2 is connected
    uint32_t flow_limit_per_table = UINT32_MAX;
    BridgeEvents* events = nullptr;
    openflow::TunnelTableRef tunnel_table;  // never null
    std::string mfr_desc, hw_desc, sw_desc, serial_desc, dp_desc;

    // --- export
    Sampling sampling;
    std::shared_ptr<Netflow> netflow;  // null: off

    // --- flows
    FlowTable& table(uint8_t id) { return *tables_[id]; }
    const FlowTable& table(uint8_t id) const { return *tables_[id]; }
    size_t flow_count() const;  // those that controllers see
    openflow::OfError apply(const FlowChange& change, Transaction& transaction);
    void commit(Transaction& transaction);
    void rollback(Transaction& transaction);
    void remove_rule(Rule& rule, RemovedReason reason);  // of its own transaction
    // Rules that match loosely, of one table or all, in table order; hidden ones are left out.
    std::vector<Rule*> collect(uint8_t table, const openflow::Match& match, uint64_t cookie,
                               uint64_t cookie_mask, uint32_t out_port, uint32_t out_group) const;
    // The same, one by one; `visit` must not change the tables.
    void for_each_rule(uint8_t table, const openflow::Match& match, uint64_t cookie, uint64_t cookie_mask,
                       uint32_t out_port, uint32_t out_group, const std::function<void(Rule&)>& visit) const;
    void expire_flows(int64_t now_ms);
    void timeouts_changed(Rule& rule);
    int64_t next_expiry_ms() const;  // INT64_MAX: nothing can expire
    void flush_flows();              // those of controllers
    // What a packet that no flow of its table matches meets: rules of the internal table.
    Rule* miss_rule() const { return miss_rule_; }
    Rule* no_packet_in_rule() const { return no_packet_in_rule_; }
    Rule* drop_frags_rule() const { return drop_frags_rule_; }
    // fail_mode standalone without controllers: a flow of priority 0 that does NORMAL, which anyone may
    // delete.
    void add_default_flow();
    // fail_mode standalone with controllers that are gone: a hidden flow above all others that does NORMAL.
    void set_fail_open(bool on);
    bool fail_open() const { return fail_open_rule_ != nullptr; }
    // In-band control (bridge/in_band.h): those of before that are not among them go.
    void set_hidden_flows(std::vector<HiddenFlow> flows);
    bool in_band() const { return !hidden_flows_.empty(); }

    // --- groups and meters
    const std::map<uint32_t, Ref<GroupEntry>>& groups() const { return groups_; }
    GroupEntry* group(uint32_t id) const;
    void set_group(Ref<GroupEntry> group, Transaction& transaction);
    void delete_group(uint32_t id, Transaction& transaction);  // and the flows that use it
    std::map<uint32_t, MeterEntry> meters;

    // --- ports
    OfPort& add_port(OfPort port);  // number 0: chosen, as near to `wanted` as can be
    void remove_port(uint32_t number);
    OfPort* port(uint32_t number) const;
    OfPort* port(std::string_view name) const;
    const std::map<uint32_t, std::unique_ptr<OfPort>>& ports() const { return ports_; }
    void port_changed(OfPort& port);
    uint32_t free_port_number() const;
    Bundle& bundle(const std::string& name);  // made if there is none
    Bundle* find_bundle(std::string_view name) const;
    const std::map<std::string, std::unique_ptr<Bundle>, std::less<>>& bundles() const { return bundles_; }
    void remove_bundle(const std::string& name);
    openflow::Names names() const;

    MacTable mac_table;
    MulticastTable multicast;
    // What was learnt on the port, of stations and groups; or on all ports.
    void forget_learnt(const Bundle* bundle);
    void flush_learnt();
    std::bitset<4096> flood_vlans;  // in which no address is learned

    // --- mirrors, at most kMaxMirrors
    const std::vector<Mirror>& mirrors() const { return mirrors_; }
    void set_mirrors(std::vector<Mirror> mirrors);
    bool mirrors_to(std::string_view bundle) const { return mirror_outputs_.contains(bundle); }
    void count_mirrored(const std::string& mirror, uint64_t packets, uint64_t bytes);
    MirrorCounts mirrored(const std::string& mirror) const;

    uint64_t generation() const { return generation_ + mac_table.generation() + multicast.generation(); }
    void touch() { ++generation_; }

  private:
    openflow::OfError add(const FlowChange& change, Transaction& transaction);
    openflow::OfError modify(const FlowChange& change, const std::vector<Rule*>& rules,
                             Transaction& transaction);
    void remove(Rule& rule, RemovedReason reason, Transaction& transaction, bool replaced = false);
    void remove_all(const std::vector<Rule*>& rules, RemovedReason reason, Transaction& transaction);
    void insert(Rule& rule);
    void take_out(Rule& rule);
    void let_go(Rule& rule);
    void set_actions(Rule& rule, const ActionsRef& actions);
    void remove_orphans();
    void forget_expiry(Rule& rule);
    std::vector<Rule*> targets(const FlowChange& change) const;
    openflow::OfError check(const FlowChange& change) const;
    openflow::OfError make_room(FlowTable& table, const FlowChange& change, Transaction& transaction);
    void make_internal_rules();
    RuleRef make_rule(const FlowChange& change);
    void restore_groups(Transaction& transaction);
    void check_vacancy(uint8_t table);

    std::string name_, datapath_type_;
    ActionPool action_pool_;
    LearnedCookies learned_cookies_;
    std::array<std::unique_ptr<FlowTable>, kTables> tables_;
    std::map<uint32_t, Ref<GroupEntry>> groups_;
    std::map<uint32_t, std::unique_ptr<OfPort>> ports_;
    HashMap<std::string, OfPort*> ports_by_name_;
    std::map<std::string, std::unique_ptr<Bundle>, std::less<>> bundles_;
    std::set<std::pair<int64_t, Rule*>> expiry_;  // by the earliest time at which the rule may expire
    HashMap<Rule*, int64_t> expiry_of_;
    Rule *miss_rule_ = nullptr, *no_packet_in_rule_ = nullptr, *drop_frags_rule_ = nullptr;
    Rule* fail_open_rule_ = nullptr;
    std::vector<std::pair<HiddenFlow, Rule*>> hidden_flows_;
    std::vector<Mirror> mirrors_;
    std::set<std::string, std::less<>> mirror_outputs_;
    std::map<std::string, MirrorCounts> mirrored_;
    mutable uint32_t next_port_ = 1;
    uint64_t generation_ = 1;
};

// True if the list sends to the port or group, directly or in its sets and buckets' lists.
bool outputs_to_port(const openflow::ActionList& actions, uint32_t port);

}  // namespace weft::vswitch
