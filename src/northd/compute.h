// The functions behind Program's queries: one fact each, from tracked reads alone.

#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"

namespace weft::northd {

class Program;
class Datapaths;
struct Globals;
struct SamplingApps;
struct Switch;
struct Router;
struct RouterPort;
struct SwitchPort;
struct LoadBalancerFacts;
struct VipSummary;
struct VipSets;
struct VipKinds;
struct NearVips;
struct NatFacts;
struct RouterState;
struct Routable;
struct SwitchState;
struct AddressPool;
struct SwitchMulticast;
struct FunctionGroup;

Globals compute_globals(Program& p);
SamplingApps compute_sampling_apps(Program& p);
Switch compute_switch(Program& p, const Uuid& uuid);
Router compute_router(Program& p, const Uuid& uuid);
RouterPort compute_router_port(Program& p, const Uuid& uuid);
SwitchPort compute_port(Program& p, const Uuid& uuid);
std::vector<Uuid> compute_router_ports(Program& p, const Uuid& router);
AddressPool compute_address_pool(Program& p, const Uuid& sw);
std::string compute_bfd_status(Program& p, const Uuid& bfd);
SwitchMulticast compute_switch_multicast(Program& p, const Uuid& sw);

FunctionGroup compute_function_group(Program& p, const Uuid& group);

LoadBalancerFacts compute_load_balancer(Program& p, const Uuid& uuid);
VipSummary compute_lb_vips(Program& p, const Uuid& uuid);
VipSummary compute_lb_group_vips(Program& p, const Uuid& group);
VipSummary compute_switch_vips(Program& p, const Uuid& sw);
VipSummary compute_router_vips(Program& p, const Uuid& router);
VipSets compute_vip_sets(Program& p, const Uuid& router);
VipKinds compute_vip_kinds(Program& p, const Uuid& router);
NearVips compute_near_vips(Program& p, const Uuid& router_port);
std::vector<std::string> compute_own_vips(Program& p, const Uuid& router_port);
Datapaths compute_switches_of_lb(Program& p, const Uuid& lb);
Datapaths compute_routers_of_lb(Program& p, const Uuid& lb);

std::vector<Uuid> compute_switches_of_group(Program& p, const Uuid& group);
SwitchState compute_switch_state(Program& p, const Uuid& sw);

NatFacts compute_nat(Program& p, const Uuid& nat);
RouterState compute_router_state(Program& p, const Uuid& router);
std::vector<Routable> compute_routables(Program& p, const Uuid& router_port);

}  // namespace weft::northd
