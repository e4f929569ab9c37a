// The features of logical networks, one .cc each: what each emits for one switch, port, router, …
//
// A function named after a thing (`…_of_switch`, `…_of_port`) gets its facts and writes its flows; more facts
// it reads through the program, and so is run again when they differ.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "northd/dynamic_routing.h"
#include "northd/facts.h"
#include "northd/logical_flow.h"
#include "northd/program.h"

namespace weft::northd {

// switch_port_security.cc: ingress tables 0 and 1, egress tables 8 and 9
void port_security_of_switch(Program&, FlowWriter&, const Switch&);
void port_security_of_port(Program&, FlowWriter&, const SwitchPort&);
// switch_fdb.cc: ingress tables 2 and 3
void fdb_of_switch(Program&, FlowWriter&, const Switch&);
void fdb_of_port(Program&, FlowWriter&, const SwitchPort&);
// switch_conntrack.cc: which packets meet the connection tracker: pre-ACL, pre-LB, pre-stateful, stateful
void conntrack_of_switch(Program&, FlowWriter&, const Switch&);
void conntrack_of_port(Program&, FlowWriter&, const SwitchPort&);
// A port to a router with options:enable_router_port_acl: its connections are tracked as those of workloads
// are.
bool has_own_zone(const SwitchPort&);
// switch_acl.cc
void acl_defaults_of_switch(Program&, FlowWriter&, const Switch&);
void flows_of_acl(Program&, const Uuid& acl);
// switch_acl_sample.cc
struct AclSamples {
    std::string opening, established;  // actions for packets that open a connection, or are of one; or ""
    int64_t label = 0;                 // by which answers are known to belong to the ACL; 0: by none
};
AclSamples samples_of_acl(Program&, const nb::ACL&);
// switch_mirror.cc: ingress tables 0 and 25, egress table 0
bool is_logical(const nb::Mirror&);  // its copies go to a logical port
std::vector<Uuid> logical_mirrors(Program&, const Uuid& port);
void mirrors_of_switch(Program&, FlowWriter&, const Switch&);
void mirrors_of_port(Program&, FlowWriter&, const SwitchPort&);
// switch_qos.cc
void qos_of_switch(Program&, const Switch&);
// switch_load_balancer.cc
void load_balancing_of_switch(Program&, FlowWriter&, const Switch&);
void switch_flows_of_load_balancer(Program&, const LoadBalancerFacts&);
void ethernet_of_balanced(Program&, FlowWriter&, const SwitchPort&);
// switch_arp.cc: ingress table 19
void arp_responder_of_switch(Program&, FlowWriter&, const Switch&);
void arp_responder_of_port(Program&, FlowWriter&, const SwitchPort&);
// switch_dhcp.cc, switch_dns.cc: ingress tables 20 to 23
void dhcp_of_switch(Program&, FlowWriter&, const Switch&);
void dhcp_of_port(Program&, FlowWriter&, const SwitchPort&);
void dns_of_switch(Program&, FlowWriter&, const Switch&);
// switch_external_port.cc: ingress table 24
void external_ports_of_switch(Program&, FlowWriter&, const Switch&);
void external_port(Program&, FlowWriter&, const SwitchPort&);
// switch_lookup.cc: ingress tables 25 and 26
void lookup_of_switch(Program&, FlowWriter&, const Switch&);
void lookup_of_port(Program&, FlowWriter&, const SwitchPort&);
void lookup_of_near_vips(Program&, const Uuid& router_port);

// switch_multicast.cc: ingress table 25
void multicast_of_switch(Program&, FlowWriter&, const Switch&);
void learn_group(Program&, const Uuid& igmp_group);
void flows_of_switch_group(Program&, const GroupKey&);

// switch_health_checks.cc: ingress tables 19 and 25
void health_checks_of_port(Program&, FlowWriter&, const SwitchPort&);
// The address from which something is checked is the controller's: the switch answers for it.
void answer_for_monitor(Program&, FlowWriter&, const std::string& address);

// router_protocols.cc: of the switch behind a port ingress tables 1, 19 and 25
void routing_protocols_of_port(Program&, const RouterPort&);

// router_admission.cc: ingress table 0
void admission_of_router(Program&, FlowWriter&, const Router&);
void admission_of_port(Program&, FlowWriter&, const RouterPort&);
// router_neighbor.cc: ingress tables 1, 2 and 21
void neighbors_of_router(Program&, FlowWriter&, const Router&);
void neighbors_of_port(Program&, FlowWriter&, const Router&, const RouterPort&);
// router_input.cc: ingress table 3
void input_of_router(Program&, FlowWriter&, const Router&);
void input_of_port(Program&, FlowWriter&, const Router&, const RouterPort&);
// router_dhcp_relay.cc: ingress tables 3, 4, 10 and 11; of switches ingress table 25
void dhcp_relay_of_port(Program&, FlowWriter&, const Router&, const RouterPort&);
void dhcp_relay_of_client(Program&, FlowWriter&, const SwitchPort&);
// router_nd_ra.cc: ingress tables 10 and 11
void router_advertisement_of_router(Program&, FlowWriter&, const Router&);
void router_advertisement_of_port(Program&, FlowWriter&, const RouterPort&);
void periodic_advertisement_options(const RouterPort&, ovsdb::StringMap& options);  // of its Port_Binding
// router_routing.cc: ingress tables 12 to 14
void routing_of_router(Program&, FlowWriter&, const Router&);
void routing_of_port(Program&, FlowWriter&, const RouterPort&);
void flows_of_route(Program&, const RouteKey&);
// Lets packets of BFD out by the port without counting down their TTL, if it has sessions.
void let_bfd_out(Program&, FlowWriter&, const RouterPort&, uint16_t priority, const std::string& match,
                 const std::string& action);
// router_routable.cc: ingress tables 13 and 17
void routables_of_neighbors(Program&, const SwitchPort&);
// dynamic_routing.cc: Advertised_Route and Learned_Route
Redistribution redistribution_of(Program&, const RouterPort&);
void advertise_of_router_port(Program&, const Router&, const RouterPort&);
void advertise_of_switch_port(Program&, const SwitchPort&);
void list_learned_route(Program&, const Uuid& learned);
void advertise_macs_of_port(Program&, const SwitchPort&);  // Advertised_MAC_Binding
void check_dynamic_routing_of_switch(Program&, const Uuid& sw);
// router_bfd.cc: ingress table 3
void bfd_of_router_port(Program&, FlowWriter&, const Router&, const RouterPort&);
bool has_bfd(Program&, const RouterPort&);
// router_ecmp_symmetric.cc: ingress tables 5, 9, 13, 15, 17
struct SymmetricRoute {
    Uuid port;                   // out of which it goes
    std::string source;          // that port's address
    std::string match, reverse;  // of packets to the route's network, and from it
    bool is_ip6 = false;
};
void symmetric_reply(Program&, FlowWriter&, const SymmetricRoute&);
// Its row, if next hops are watched (options:ecmp_nexthop_monitor_enable).
void watch_next_hop(Program&, const Uuid& port, const std::string& address);
// router_policy.cc: ingress tables 15 and 16
void policies_of_router(Program&, FlowWriter&, const Router&);
void flows_of_policy(Program&, const Uuid& policy);
// router_arp_resolve.cc: ingress table 17
void arp_resolve_of_router(Program&, FlowWriter&, const Router&);
void arp_resolve_of_router_port(Program&, FlowWriter&, const Router&, const RouterPort&);
void arp_resolve_of_switch_port(Program&, const SwitchPort&);
// router_gateway.cc: ingress tables 18 to 20
void gateway_of_router(Program&, FlowWriter&, const Router&);
void gateway_of_port(Program&, FlowWriter&, const Router&, const RouterPort&);
// What checks whether a packet is too large for a port (options:gateway_mtu), or "".
std::string size_check(Program&, const RouterPort&);
// router_nat.cc: ingress tables 4, 5, 7, egress tables 0 to 5
void nat_of_router(Program&, FlowWriter&, const Router&);
void flows_of_nat(Program&, const Uuid& nat);
// router_load_balancer.cc
void load_balancing_of_router(Program&, FlowWriter&, const Router&);
// router_stateless_lb.cc: of a router with several gateway ports, options:use_stateless_nat
bool is_stateless(Program&, const LoadBalancerFacts&, const Uuid& router);
void stateless_flows_of_vip(FlowWriter&, const LoadBalancerFacts&, const Vip&, const RouterPort& gateway);
void router_flows_of_load_balancer(Program&, const LoadBalancerFacts&);
// router_multicast.cc: ingress tables 3 and 13, egress table 6
void multicast_of_router(Program&, FlowWriter&, const Router&);
void multicast_of_port(Program&, FlowWriter&, const Router&, const RouterPort&);
void relay_group(Program&, const GroupKey&);
void flows_of_router_group(Program&, const GroupKey&);
// router_delivery.cc: egress tables
void delivery_of_router(Program&, FlowWriter&, const Router&);
void delivery_of_port(Program&, FlowWriter&, const RouterPort&);

// allocation_claims.cc
void address_pool_of_switch(Program&, const Switch&);
void address_claim_of_port(Program&, const Uuid& port);
void tag_claim_of_port(Program&, const Uuid& port);
void queue_claim_of_port(Program&, const Uuid& port);

// rows_*.cc: southbound rows
void rows_of_switch(Program&, const Switch&);
void rows_of_switch_port(Program&, const SwitchPort&);
void rows_of_router(Program&, const Router&);
void rows_of_router_vips(Program&, const Router&);
void rows_of_router_port(Program&, const Router&, const RouterPort&);
void rows_of_address_set(Program&, const Uuid&);
void rows_of_port_group(Program&, const Uuid&);
void rows_of_meter(Program&, const Uuid&);
void rows_of_acl_meter(Program&, const Uuid& acl);
void rows_of_mirror(Program&, const Uuid&);
void rows_of_bfd(Program&, const Uuid&);
void rows_of_template_var(Program&, const Uuid&);
void rows_of_dns(Program&, const Uuid&);
void rows_of_static_mac_binding(Program&, const Uuid&);
void rows_of_globals(Program&);
void rows_of_load_balancer(Program&, const LoadBalancerFacts&);
void rows_of_health_checks(Program&, const LoadBalancerFacts&);

// --- what several features share
// The meter of control plane protection for a kind of packet (ovn-nb(5), Copp), or "".
std::string copp_meter(Program&, const std::optional<Uuid>& copp, const char* protocol);
// Switches or routers by their meters for a kind of packet.
std::map<std::string, std::vector<Uuid>> by_meter(Program&, std::span<const Uuid> datapaths,
                                                  const char* protocol);
// The meter of an ACL's log messages: of a fair one each ACL has a copy (ovn-nb(5), Meter:fair); "" without.
std::string acl_meter(Program&, const nb::ACL&);
// ` && is_chassis_resident("cr-…")` where traffic of this port is handled on its gateway chassis, else "".
std::string redirect_residence(Program&, const RouterPort&);
// The gateway port on whose chassis the traffic of `port` is centralised (reside-on-redirect-chassis), or
// null.
const RouterPort* redirect_gateway(Program&, const RouterPort& port);
// ` && is_chassis_resident(PORT)`.
std::string residence(std::string_view quoted_port);
// Of a load balancer: `; hash_fields=…` or ""; the back ends that are online, comma separated.
std::string selection_fields_text(const LoadBalancerFacts&);
std::string online_backends(const LoadBalancerFacts&, const Vip&);
// The action that balances among them: all of it but what closes it; with "" there are none.
std::string balance_among(const LoadBalancerFacts&, const std::string& backends);
// The back ends that `online_backends` is about.
bool is_usable(const LoadBalancerFacts&, const Backend&);
// A VIP without back ends whose packets are reported to the controller, to wake one.
bool has_empty_event(Program&, const LoadBalancerFacts&, const Vip&);
std::string empty_event_match(const LoadBalancerFacts&, const Vip&);
std::string empty_event_action(const LoadBalancerFacts&, const Vip&);
// The port of a router through which a next hop is reached, and its address in that network.
struct Outlet {
    Uuid port;
    std::string source;  // the port's address
    bool operator==(const Outlet&) const = default;
};
std::optional<Outlet> find_outlet(Program&, const Uuid& router, std::string_view next_hop,
                                  const std::string& output_port);

}  // namespace weft::northd
