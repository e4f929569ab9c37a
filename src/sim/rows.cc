#include "sim/rows.h"

namespace weft::sim {

namespace nb = schema::nb;
using ovsdb::client::Transaction;

Uuid add_switch_port(Transaction& txn, const Uuid& logical_switch, const std::string& name,
                     const std::string& type, const std::string& addresses, const ovsdb::StringMap& options) {
    Uuid port = txn.insert<nb::LogicalSwitchPort>();
    txn.set(port, nb::LogicalSwitchPort::kName, name);
    txn.set(port, nb::LogicalSwitchPort::kType, type);
    txn.set(port, nb::LogicalSwitchPort::kAddresses, {addresses});
    txn.set(port, nb::LogicalSwitchPort::kOptions, options);
    txn.add(logical_switch, nb::LogicalSwitch::kPorts, port);
    return port;
}

Uuid add_workload(Transaction& txn, const Uuid& logical_switch, const std::string& name,
                  const std::string& addresses) {
    Uuid port = add_switch_port(txn, logical_switch, name, "", addresses);
    txn.set(port, nb::LogicalSwitchPort::kPortSecurity, {addresses});
    return port;
}

Uuid add_router_port(Transaction& txn, const Uuid& router, const std::string& name,
                     const std::string& ethernet, const std::string& network) {
    Uuid port = txn.insert<nb::LogicalRouterPort>();
    txn.set(port, nb::LogicalRouterPort::kName, name);
    txn.set(port, nb::LogicalRouterPort::kMac, ethernet);
    txn.set(port, nb::LogicalRouterPort::kNetworks, {network});
    txn.add(router, nb::LogicalRouter::kPorts, port);
    return port;
}

Uuid join(Transaction& txn, const Uuid& router, const std::string& router_port, const Uuid& logical_switch,
          const std::string& switch_port, const std::string& ethernet, const std::string& network) {
    Uuid port = add_router_port(txn, router, router_port, ethernet, network);
    add_switch_port(txn, logical_switch, switch_port, "router", "router", {{"router-port", router_port}});
    return port;
}

void add_gateway(Transaction& txn, const Uuid& router_port, const std::string& router_port_name,
                 const std::string& chassis, int64_t priority) {
    Uuid gateway = txn.insert<nb::GatewayChassis>();
    txn.set(gateway, nb::GatewayChassis::kName, router_port_name + "-" + chassis);
    txn.set(gateway, nb::GatewayChassis::kChassisName, chassis);
    txn.set(gateway, nb::GatewayChassis::kPriority, priority);
    txn.add(router_port, nb::LogicalRouterPort::kGatewayChassis, gateway);
}

void add_route(Transaction& txn, const Uuid& router, const std::string& prefix, const std::string& next_hop,
               bool by_source) {
    Uuid route = txn.insert<nb::LogicalRouterStaticRoute>();
    txn.set(route, nb::LogicalRouterStaticRoute::kIpPrefix, prefix);
    txn.set(route, nb::LogicalRouterStaticRoute::kNexthop, next_hop);
    if (by_source) txn.set(route, nb::LogicalRouterStaticRoute::kPolicy, "src-ip");
    txn.add(router, nb::LogicalRouter::kStaticRoutes, route);
}

void add_nat(Transaction& txn, const Uuid& router, const std::string& type, const std::string& external_ip,
             const std::string& logical_ip) {
    Uuid nat = txn.insert<nb::NAT>();
    txn.set(nat, nb::NAT::kType, type);
    txn.set(nat, nb::NAT::kExternalIp, external_ip);
    txn.set(nat, nb::NAT::kLogicalIp, logical_ip);
    txn.add(router, nb::LogicalRouter::kNat, nat);
}

void add_acl(Transaction& txn, const Uuid& port_group, const std::string& direction, int64_t priority,
             const std::string& match, const std::string& action) {
    Uuid acl = txn.insert<nb::ACL>();
    txn.set(acl, nb::ACL::kDirection, direction);
    txn.set(acl, nb::ACL::kPriority, priority);
    txn.set(acl, nb::ACL::kMatch, match);
    txn.set(acl, nb::ACL::kAction, action);
    txn.add(port_group, nb::PortGroup::kAcls, acl);
}

}  // namespace weft::sim
