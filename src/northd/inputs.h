// What northd computes from: rows of the northbound database, and the few facts of the southbound one that it
// reads back (who bound what, which chassis there are, which health checks answer).
//
// Rows are those of the replicas, by pointer: they change in place, and who feeds the inputs touches the row
// then. Strings with defaults come from `options` through ovsdb::get_string() and its friends.

#pragma once

#include <string>

#include "incremental/index.h"
#include "incremental/input.h"
#include "northd/dynamic_routing.h"
#include "northd/multicast_facts.h"
#include "schema/nb.h"
#include "schema/sb.h"

namespace weft::northd {

namespace nb = schema::nb;
namespace sb = schema::sb;

using incremental::Rows;

// What a chassis did with a logical port, from its Port_Binding.
struct BindingState {
    bool up = false;
    Uuid chassis;            // zero: none
    int64_t tunnel_key = 0;  // 0: it has no row yet
    int64_t queue = 0;       // options:qdisc_queue_id
    std::string virtual_parent;
    bool operator==(const BindingState&) const = default;
};

struct BfdKey {  // of a BFD session
    std::string port, dst_ip;
    auto operator<=>(const BfdKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const BfdKey& k) {
        return H::combine(std::move(h), k.port, k.dst_ip);
    }
};

struct MonitorKey {  // of a Service_Monitor
    std::string ip, port_name, protocol;
    int64_t port = 0;
    auto operator<=>(const MonitorKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const MonitorKey& k) {
        return H::combine(std::move(h), k.ip, k.port_name, k.protocol, k.port);
    }
};

struct Inputs {
    explicit Inputs(incremental::Engine& e);
    ~Inputs();
    incremental::Engine& engine;

    Rows<nb::NBGlobal> global{engine, "NB_Global"};
    Rows<nb::LogicalSwitch> switches{engine, "Logical_Switch"};
    Rows<nb::LogicalSwitchPort> switch_ports{engine, "Logical_Switch_Port"};
    Rows<nb::LogicalRouter> routers{engine, "Logical_Router"};
    Rows<nb::LogicalRouterPort> router_ports{engine, "Logical_Router_Port"};
    Rows<nb::LogicalRouterStaticRoute> routes{engine, "Logical_Router_Static_Route"};
    Rows<nb::LogicalRouterPolicy> policies{engine, "Logical_Router_Policy"};
    Rows<nb::NAT> nats{engine, "NAT"};
    Rows<nb::ACL> acls{engine, "ACL"};
    Rows<nb::QoS> qos{engine, "QoS"};
    Rows<nb::PortGroup> port_groups{engine, "Port_Group"};
    Rows<nb::AddressSet> address_sets{engine, "Address_Set"};
    Rows<nb::LoadBalancer> load_balancers{engine, "Load_Balancer"};
    Rows<nb::LoadBalancerGroup> load_balancer_groups{engine, "Load_Balancer_Group"};
    Rows<nb::LoadBalancerHealthCheck> health_checks{engine, "Load_Balancer_Health_Check"};
    Rows<nb::LogicalSwitchPortHealthCheck> port_health_checks{engine, "Logical_Switch_Port_Health_Check"};
    Rows<nb::NetworkFunction> network_functions{engine, "Network_Function"};
    Rows<nb::NetworkFunctionGroup> network_function_groups{engine, "Network_Function_Group"};
    Rows<nb::NetworkFunctionHealthCheck> function_health_checks{engine, "Network_Function_Health_Check"};
    Rows<nb::DHCPOptions> dhcp_options{engine, "DHCP_Options"};
    Rows<nb::DNS> dns{engine, "DNS"};
    Rows<nb::GatewayChassis> gateway_chassis{engine, "Gateway_Chassis"};
    Rows<nb::HAChassisGroup> ha_groups{engine, "HA_Chassis_Group"};
    Rows<nb::HAChassis> ha_chassis{engine, "HA_Chassis"};
    Rows<nb::Meter> meters{engine, "Meter"};
    Rows<nb::MeterBand> meter_bands{engine, "Meter_Band"};
    Rows<nb::Copp> copp{engine, "Copp"};
    Rows<nb::ForwardingGroup> forwarding_groups{engine, "Forwarding_Group"};
    Rows<nb::StaticMACBinding> static_mac_bindings{engine, "Static_MAC_Binding"};
    Rows<nb::Mirror> mirrors{engine, "Mirror"};
    Rows<nb::MirrorRule> mirror_rules{engine, "Mirror_Rule"};
    Rows<nb::BFD> bfd{engine, "BFD"};
    Rows<nb::ChassisTemplateVar> template_vars{engine, "Chassis_Template_Var"};
    Rows<nb::DHCPRelay> dhcp_relays{engine, "DHCP_Relay"};
    Rows<nb::Sample> samples{engine, "Sample"};
    Rows<nb::SampleCollector> sample_collectors{engine, "Sample_Collector"};
    Rows<nb::SamplingApp> sampling_apps{engine, "Sampling_App"};

    // Names and host names of chassis that stand for gateways of other zones.
    incremental::Input<std::string, bool> remote_chassis{engine, "remote_chassis"};
    incremental::Input<std::string, BindingState> bindings{engine, "Port_Binding"};
    incremental::Input<BfdKey, std::string> bfd_states{engine, "BFD status"};
    incremental::Input<MonitorKey, std::string> monitor_states{engine, "Service_Monitor status"};
    incremental::Input<Uuid, LearnedRoute> learned_routes{engine, "Learned_Route"};
    incremental::Input<Uuid, IgmpGroup> igmp_groups{engine, "IGMP_Group"};
    // Tunnel keys of datapaths, by Logical_Switch and Logical_Router: chosen outside (tunnel_keys.h), so that
    // they stay what they were.
    incremental::Input<Uuid, int64_t> tunnel_keys{engine, "tunnel key"};
    // By Logical_Switch_Port, chosen outside for the same reason (allocations.h): what "dynamic" stands for,
    // and the tags of nested ports.
    incremental::Input<Uuid, std::string> dynamic_addresses{engine, "dynamic addresses"};
    incremental::Input<Uuid, int64_t> tags{engine, "tag"};
    incremental::Input<Uuid, int64_t> queues{engine, "queue"};  // for traffic shaping
    // Of ACLs that keep connections, chosen outside (acl_ids.h).
    incremental::Input<Uuid, int64_t> acl_ids{engine, "ACL id"};
};

}  // namespace weft::northd
