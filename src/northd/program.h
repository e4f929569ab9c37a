// northd as a program of tracked queries (incremental/engine.h): from northbound rows to logical flows and
// southbound rows.
//
// This page is the table of contents.  Facts (facts.h) come first, then relations between them, then the
// rules that emit: one call per switch, port, router, route, ACL, load balancer, … each handed to the
// features in features.h.  Declarations stand in the order in which they may read one another.

#pragma once

#include <string>
#include <vector>

#include "incremental/index.h"
#include "incremental/query.h"
#include "incremental/rule.h"
#include "northd/facts.h"
#include "northd/inputs.h"
#include "northd/load_balancer_facts.h"
#include "northd/nat_facts.h"
#include "northd/network_function.h"
#include "northd/outputs.h"

namespace weft::northd {

using incremental::Index;
using incremental::Query;
using incremental::Rule;
using incremental::Unit;

// Which stateful features a switch uses: they decide whether its packets meet the connection tracker.
struct SwitchState {
    bool has_acls = false, has_stateful_acl = false, has_lb_vip = false;
    bool has_persistent_acl = false;  // one keeps the connections that it let in (acl_ids.h)
    int64_t last_tier = 0;            // of its ACLs; one more if ACLs of it pass packets on
    bool operator==(const SwitchState&) const = default;
};

constexpr const char* kPersistent = "persistent";

// Where an ACL applies: a switch, directly or by a port group.
struct AclUse {
    Uuid switch_uuid;
    bool by_group = false;
    auto operator<=>(const AclUse&) const = default;
};

struct RouteKey {  // routes with equal keys are ECMP
    Uuid router;
    std::string prefix;  // canonical, with length
    std::string table;
    bool by_source = false;
    auto operator<=>(const RouteKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const RouteKey& k) {
        return H::combine(std::move(h), k.router, k.prefix, k.table, k.by_source);
    }
};

struct PolicyJump {  // between chains of policies; the main one is ""
    std::string from, to;
    auto operator<=>(const PolicyJump&) const = default;
};

class Program : public Outputs {
  public:
    Program();
    ~Program();

    Inputs in{engine};

    // --- who has what: the references of the northbound, seen from the other side
    Index<Uuid, Uuid> switch_of{engine, "switch_of"};  // port → switch
    Index<Uuid, Uuid> router_of{engine, "router_of"};  // router port → router
    Rule<Uuid> list_switch_ports;
    Rule<Uuid> list_router_ports;
    Index<std::string, Uuid> switch_port_named{engine, "switch_port_named"};
    Index<std::string, Uuid> router_port_named{engine, "router_port_named"};
    Rule<Uuid> name_switch_ports;
    Rule<Uuid> name_router_ports;
    Index<std::string, Uuid> meter_named{engine, "meter_named"};
    Rule<Uuid> name_meters;

    // --- facts
    Query<Unit, SamplingApps> sampling_apps;
    Query<Unit, Globals> globals;
    Query<Uuid, Switch> switch_;
    Query<Uuid, Router> router;
    Query<Uuid, RouterPort> router_port;
    Query<Uuid, SwitchPort> port;
    Query<Uuid, std::vector<Uuid>> router_ports;  // of a router, those that are enabled
    Query<Uuid, AddressPool> address_pool;        // of a switch
    Rule<Uuid> claim_addresses;
    Rule<Uuid> claim_tags;
    Rule<Uuid> claim_queues;

    // --- relations
    Index<Uuid, Uuid> switch_ports_at{engine, "switch_ports_at"};  // router port → switch ports
    Index<Uuid, Uuid> router_ports_of_switch{engine,
                                             "router_ports_of_switch"};  // switch → its ports to routers
    Index<Uuid, Uuid> plain_ports{engine, "plain_ports"};                // switch → its other ports
    Index<Uuid, Uuid> unknown_ports{engine, "unknown_ports"};            // switch → ports with "unknown"
    // (switch, IP address) → Ethernet addresses of its ports that have it; only while somebody asks for that
    Index<std::pair<Uuid, std::string>, std::string> macs_at{engine, "macs_at"};
    Index<Uuid, Uuid> localnet_ports{engine, "localnet_ports"};  // switch → localnet ports
    Index<Uuid, Uuid> vtep_ports{engine, "vtep_ports"};
    // switch → names of its ports that get all multicast, or all reports; router → of those that get all
    Index<Uuid, std::string> multicast_flood_ports{engine, "multicast_flood_ports"};
    // switch → those with mirrors whose copies go to logical ports
    Index<Uuid, Uuid> mirrored_ports{engine, "mirrored_ports"};
    Index<Uuid, std::string> multicast_report_ports{engine, "multicast_report_ports"};
    Rule<Uuid> relate_switch_ports;
    Index<Uuid, Uuid> gateway_ports{engine, "gateway_ports"};  // router → distributed gateway ports
    Rule<Uuid> relate_router_ports;
    Query<Uuid, bool> has_plain_ports;  // of a switch
    Query<Uuid, bool> has_unknown_ports;
    Query<Uuid, bool> has_localnet_ports;
    Query<Uuid, std::vector<Uuid>> gateway_port_list;  // of a router

    // --- multicast: groups and the names of the ports that joined them
    Query<Uuid, SwitchMulticast> switch_multicast;
    Index<GroupKey, std::string> switch_groups{engine, "switch_groups"};
    Rule<Uuid> learn_groups;
    Index<GroupKey, std::string> router_groups{engine, "router_groups"};
    Rule<GroupKey> relay_groups;

    Index<Uuid, Uuid> switches_of_dns{engine, "switches_of_dns"};
    Rule<Uuid> list_switch_dns;

    // --- load balancers
    Index<Uuid, Uuid> groups_of_lb{engine, "groups_of_lb"};
    Rule<Uuid> list_group_lbs;
    Index<Uuid, Uuid> direct_switches_of_lb{engine, "direct_switches_of_lb"};
    Index<Uuid, Uuid> direct_routers_of_lb{engine, "direct_routers_of_lb"};
    Index<Uuid, Uuid> switches_of_lb_group{engine, "switches_of_lb_group"};
    Index<Uuid, Uuid> routers_of_lb_group{engine, "routers_of_lb_group"};
    Rule<Uuid> list_switch_lbs;
    Rule<Uuid> list_router_lbs;
    Query<Uuid, LoadBalancerFacts> load_balancer;
    Query<Uuid, VipSummary> lb_vips;        // of a load balancer
    Query<Uuid, VipSummary> lb_group_vips;  // of a group's load balancers together
    Query<Uuid, VipSummary> switch_vips, router_vips;
    // What matters of a router's VIPs to one thing: one VIP more is nothing new to most of them.
    Query<Uuid, VipSets> vip_sets;                   // of a router
    Query<Uuid, VipKinds> vip_kinds;                 // of those
    Query<Uuid, NearVips> near_vips;                 // of a router port: those that its neighbours ask for
    Query<Uuid, std::vector<std::string>> own_vips;  // of a router port: its own addresses that are VIPs
    Query<Uuid, Datapaths> switches_of_lb, routers_of_lb;

    // --- network functions
    Index<Uuid, std::string> function_port_names{engine, "function_port_names"};  // by switch
    Rule<Uuid> list_function_ports_rule;
    Query<Uuid, FunctionGroup> function_group;

    // --- ACLs
    Index<Uuid, AclUse> acl_uses{engine, "acl_uses"};
    Index<Uuid, Uuid> groups_of_acl{engine, "groups_of_acl"};
    Query<Uuid, std::vector<Uuid>> switches_of_group;  // of a port group
    Rule<Uuid> list_switch_acls;
    Rule<Uuid> list_group_acls;
    // switch → actions of its ACLs, and kPersistent
    Index<Uuid, std::string> acl_kinds{engine, "acl_kinds"};
    Index<Uuid, int64_t> acl_tiers{engine, "acl_tiers"};  // switch → tiers of its ACLs beyond 0
    Rule<Uuid> collect_acl_kinds;
    Query<Uuid, SwitchState> switch_state;

    // --- NAT
    Query<Uuid, NatFacts> nat;
    Query<Uuid, std::vector<Uuid>> router_nats;  // those in use
    Index<Uuid, Uuid> router_of_nat{engine, "router_of_nat"};
    Rule<Uuid> list_router_nats;
    Query<Uuid, RouterState> router_state;
    Query<Uuid, std::vector<Routable>> routables;  // of a router port

    // --- routes and policies
    Index<RouteKey, Uuid> routes_by_key{engine, "routes_by_key"};
    Index<Uuid, std::string> route_tables{engine, "route_tables"};  // router → names of its tables
    Index<Uuid, Uuid> routes_of_bfd{engine, "routes_of_bfd"};
    Index<Uuid, Uuid> policies_of_bfd{engine, "policies_of_bfd"};
    Rule<Uuid> list_router_routes;
    Rule<Uuid> list_learned_routes;
    Rule<Uuid> list_port_tables;
    Index<Uuid, Uuid> router_of_policy{engine, "router_of_policy"};
    Rule<Uuid> list_router_policies;
    Index<Uuid, std::string> policy_chains{engine, "policy_chains"};  // router → names of its chains
    Index<Uuid, PolicyJump> policy_jumps{engine, "policy_jumps"};     // router → jumps of its policies
    Rule<Uuid> read_policies;
    Index<std::string, Uuid> bfd_of_port{engine, "bfd_of_port"};  // router port's name → its sessions
    Rule<Uuid> list_bfd;
    Query<Uuid, std::string> bfd_status;
    Index<Uuid, RouteKey> ecmp_keys{engine, "ecmp_keys"};  // router → keys with several routes
    Rule<RouteKey> find_ecmp_keys;

    // --- flows and rows, one rule per kind of thing
    Rule<Uuid> emit_switch;
    Rule<Uuid> emit_switch_port;
    Rule<Uuid> emit_router;
    Rule<Uuid> emit_router_vips;
    Rule<Uuid> emit_near_vips;
    Rule<Uuid> emit_router_port;
    Rule<RouteKey> emit_route;
    Rule<Uuid> emit_policy;
    Rule<Uuid> emit_nat;
    Rule<Uuid> emit_load_balancer;
    Rule<Uuid> emit_function;
    Rule<Uuid> emit_function_group;
    Rule<Uuid> emit_acl;
    Rule<Uuid> emit_acl_meter;
    Rule<Uuid> emit_qos_of_switch;
    Rule<Uuid> emit_address_set;
    Rule<Uuid> emit_port_group;
    Rule<Uuid> emit_meter;
    Rule<Uuid> emit_mirror;
    Rule<Uuid> emit_bfd;
    Rule<Uuid> emit_template_var;
    Rule<GroupKey> emit_switch_group;
    Rule<GroupKey> emit_router_group;
    Rule<Uuid> emit_dns;
    Rule<Uuid> emit_static_mac_binding;
    Rule<Unit> emit_globals;
};

}  // namespace weft::northd
