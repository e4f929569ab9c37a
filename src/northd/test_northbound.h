// What northd reads, in memory, for tests: the tables of a northbound database and what it knows from the
// southbound one.  A program can be filled from it, or follow it row by row.

#pragma once

#include <map>
#include <memory>

#include "northd/inputs.h"

namespace weft::northd {

// X(row, member of Inputs and of TestNorthbound)
#define WEFT_NORTHBOUND_TABLES(X)                         \
    X(NBGlobal, global)                                   \
    X(LogicalSwitch, switches)                            \
    X(LogicalSwitchPort, switch_ports)                    \
    X(LogicalRouter, routers)                             \
    X(LogicalRouterPort, router_ports)                    \
    X(LogicalRouterStaticRoute, routes)                   \
    X(LogicalRouterPolicy, policies)                      \
    X(NAT, nats)                                          \
    X(ACL, acls)                                          \
    X(QoS, qos)                                           \
    X(PortGroup, port_groups)                             \
    X(AddressSet, address_sets)                           \
    X(LoadBalancer, load_balancers)                       \
    X(LoadBalancerGroup, load_balancer_groups)            \
    X(LoadBalancerHealthCheck, health_checks)             \
    X(DHCPOptions, dhcp_options)                          \
    X(DNS, dns)                                           \
    X(GatewayChassis, gateway_chassis)                    \
    X(HAChassisGroup, ha_groups)                          \
    X(HAChassis, ha_chassis)                              \
    X(Meter, meters)                                      \
    X(MeterBand, meter_bands)                             \
    X(Copp, copp)                                         \
    X(ForwardingGroup, forwarding_groups)                 \
    X(StaticMACBinding, static_mac_bindings)              \
    X(Mirror, mirrors)                                    \
    X(MirrorRule, mirror_rules)                           \
    X(BFD, bfd)                                           \
    X(ChassisTemplateVar, template_vars)                  \
    X(DHCPRelay, dhcp_relays)                             \
    X(LogicalSwitchPortHealthCheck, port_health_checks)   \
    X(NetworkFunction, network_functions)                 \
    X(NetworkFunctionGroup, network_function_groups)      \
    X(NetworkFunctionHealthCheck, function_health_checks) \
    X(Sample, samples)                                    \
    X(SampleCollector, sample_collectors)                 \
    X(SamplingApp, sampling_apps)

// X(member): what is not a northbound row, by key.
#define WEFT_NORTHD_FACTS(X) \
    X(bindings)              \
    X(remote_chassis)        \
    X(bfd_states)            \
    X(monitor_states)        \
    X(igmp_groups)           \
    X(learned_routes)        \
    X(tunnel_keys)           \
    X(dynamic_addresses)     \
    X(tags)                  \
    X(queues)                \
    X(acl_ids)

struct TestNorthbound {
    template <typename Row>
    using Table = std::map<Uuid, std::unique_ptr<Row>>;

#define X(row, member) Table<nb::row> member;
    WEFT_NORTHBOUND_TABLES(X)
#undef X
    std::map<std::string, BindingState> bindings;
    std::map<std::string, bool> remote_chassis;
    std::map<BfdKey, std::string> bfd_states;
    std::map<MonitorKey, std::string> monitor_states;
    std::map<Uuid, IgmpGroup> igmp_groups;
    std::map<Uuid, LearnedRoute> learned_routes;
    std::map<Uuid, int64_t> tunnel_keys;
    std::map<Uuid, std::string> dynamic_addresses;
    std::map<Uuid, int64_t> tags, queues, acl_ids;

    // Fills an empty program.
    void load(Inputs& in) const {
#define X(row, member) \
    for (const auto& [uuid, each] : member) in.member.set(uuid, each.get());
        WEFT_NORTHBOUND_TABLES(X)
#undef X
#define X(member) \
    for (const auto& [key, value] : member) in.member.set(key, value);
        WEFT_NORTHD_FACTS(X)
#undef X
    }
};

#define X(row, member)                                                                   \
    inline TestNorthbound::Table<nb::row>& table_of(TestNorthbound& n, const nb::row*) { \
        return n.member;                                                                 \
    }                                                                                    \
    inline Rows<nb::row>& input_of(Inputs& in, const nb::row*) {                         \
        return in.member;                                                                \
    }
WEFT_NORTHBOUND_TABLES(X)
#undef X

}  // namespace weft::northd
