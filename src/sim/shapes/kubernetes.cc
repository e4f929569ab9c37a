#include "sim/shapes/kubernetes.h"

#include <fmt/format.h>

#include "sim/rows.h"

namespace weft::sim {

namespace nb = schema::nb;
using ovsdb::client::Transaction;

namespace {

constexpr const char* kCluster = "ovn_cluster_router";
constexpr const char* kServices = "services";

// The address plan: pods of node n in 10.128.n.0/24 and on, gateway routers in 100.64.0.0/10, the outside in
// 172.16.0.0/12.
constexpr uint32_t kPods = 10u << 24 | 128u << 16, kJoin = 100u << 24 | 64u << 16,
                   kOutside = 172u << 24 | 16u << 16;
constexpr uint32_t kService = 192u << 24 | 168u << 16;
constexpr size_t kFirstPod = 10;

uint32_t pod_network(size_t node) {
    return kPods + static_cast<uint32_t>(node << 8);
}
uint32_t pod_address(size_t node, size_t pod) {
    return pod_network(node) + static_cast<uint32_t>(kFirstPod + pod);
}
uint32_t join_address(size_t node) {
    return kJoin + 2 + static_cast<uint32_t>(node);
}
uint32_t outside_address(size_t node) {
    return kOutside + 2 + static_cast<uint32_t>(node);
}
std::string pod_name(size_t node, size_t pod) {
    return fmt::format("{}_pod-{}", node_name(node), pod);
}
std::string both(uint32_t address) {
    return ethernet_text(address) + " " + address_text(address);
}
std::string namespace_set(size_t node) {
    return fmt::format("a_ns_{}", node);
}
std::string namespace_group(size_t node) {
    return fmt::format("pg_ns_{}", node);
}
std::string service_name(size_t service) {
    return fmt::format("service-{}", service);
}

}  // namespace

const char* Kubernetes::summary() const {
    return "one switch, gateway router and namespace per node, one cluster router, services for all";
}

void Kubernetes::add_shared(Transaction& txn) {
    Uuid cluster = txn.insert<nb::LogicalRouter>();
    txn.set(cluster, nb::LogicalRouter::kName, kCluster);
    Uuid join_switch = txn.insert<nb::LogicalSwitch>();
    txn.set(join_switch, nb::LogicalSwitch::kName, "join");
    join(txn, cluster, "rtoj-cluster", join_switch, "jtor-cluster", ethernet_text(kJoin + 1),
         address_text(kJoin + 1) + "/10");
    Uuid group = txn.insert<nb::LoadBalancerGroup>();
    txn.set(group, nb::LoadBalancerGroup::kName, kServices);
    for (size_t service = 0; service < size_.nodes / 2 + 1; ++service) add_service(txn, group, service);
}

// Three pods, other ones each turn.
std::string Kubernetes::endpoints(size_t service, size_t turn) const {
    std::string out;
    for (size_t i = 0; i < 3; ++i) {
        size_t node = (service * 3 + i) % size_.nodes;
        uint32_t address = pod_address(node, (service + turn) % size_.ports);
        out += fmt::format("{}{}:8080", out.empty() ? "" : ",", address_text(address));
    }
    return out;
}

void Kubernetes::add_service(Transaction& txn, const Uuid& group, size_t service) {
    Uuid balancer = txn.insert<nb::LoadBalancer>();
    txn.set(balancer, nb::LoadBalancer::kName, service_name(service));
    txn.set(balancer, nb::LoadBalancer::kProtocol, "tcp");
    std::string vip = address_text(kService + 1 + static_cast<uint32_t>(service)) + ":80";
    txn.set(balancer, nb::LoadBalancer::kVips, {{vip, endpoints(service, 0)}});
    txn.add(group, nb::LoadBalancerGroup::kLoadBalancer, balancer);
}

void Kubernetes::add_gateway_router(Transaction& txn, size_t node, const Uuid& balancers) {
    std::string name = node_name(node);
    Uuid router = txn.insert<nb::LogicalRouter>();
    txn.set(router, nb::LogicalRouter::kName, "GR_" + name);
    txn.set(router, nb::LogicalRouter::kOptions,
            {{"chassis", name},
             {"lb_force_snat_ip", "router_ip"},
             {"always_learn_from_arp_request", "false"},
             {"dynamic_neigh_routers", "true"}});
    txn.set(router, nb::LogicalRouter::kLoadBalancerGroup, {balancers});
    const nb::LogicalSwitch* join_switch =
        nb_.table<nb::LogicalSwitch>().find_by(nb::LogicalSwitch::kName, "join");
    join(txn, router, "rtoj-GR_" + name, join_switch->uuid, "jtor-GR_" + name,
         ethernet_text(join_address(node)), address_text(join_address(node)) + "/10");
    Uuid outside = txn.insert<nb::LogicalSwitch>();
    txn.set(outside, nb::LogicalSwitch::kName, "ext_" + name);
    add_switch_port(txn, outside, "br-ex_" + name, "localnet", "unknown", {{"network_name", "physnet"}});
    join(txn, router, "rtoe-GR_" + name, outside, "etor-GR_" + name, ethernet_text(outside_address(node)),
         address_text(outside_address(node)) + "/12");
    add_route(txn, router, "10.128.0.0/9", address_text(kJoin + 1));
    add_route(txn, router, "0.0.0.0/0", address_text(kOutside + 1));
    add_nat(txn, router, "snat", address_text(outside_address(node)),
            address_text(pod_network(node)) + "/24");
}

std::vector<Placement> Kubernetes::add_node(Transaction& txn, size_t node) {
    std::string name = node_name(node);
    Uuid cluster = nb_.table<nb::LogicalRouter>().find_by(nb::LogicalRouter::kName, kCluster)->uuid;
    Uuid balancers =
        nb_.table<nb::LoadBalancerGroup>().find_by(nb::LoadBalancerGroup::kName, kServices)->uuid;
    Uuid own = txn.insert<nb::LogicalSwitch>();
    txn.set(own, nb::LogicalSwitch::kName, name);
    txn.set(own, nb::LogicalSwitch::kOtherConfig, {{"subnet", address_text(pod_network(node)) + "/24"}});
    txn.set(own, nb::LogicalSwitch::kLoadBalancerGroup, {balancers});
    uint32_t gateway = pod_network(node) + 1;
    Uuid router_port = join(txn, cluster, "rtos-" + name, own, "stor-" + name, ethernet_text(gateway),
                            address_text(gateway) + "/24");
    add_gateway(txn, router_port, "rtos-" + name, name, 1);
    add_route(txn, cluster, address_text(pod_network(node)) + "/24", address_text(join_address(node)), true);
    add_gateway_router(txn, node, balancers);

    Uuid group = txn.insert<nb::PortGroup>(), addresses = txn.insert<nb::AddressSet>();
    txn.set(group, nb::PortGroup::kName, namespace_group(node));
    txn.set(addresses, nb::AddressSet::kName, namespace_set(node));
    std::vector<Placement> plugged = {{"k8s-" + name, node}};
    add_switch_port(txn, own, plugged.front().port, "", both(pod_network(node) + 2));
    std::vector<Uuid> ports;
    std::vector<std::string> members;
    for (size_t pod = 0; pod < size_.ports; ++pod) {
        plugged.push_back({pod_name(node, pod), node});
        ports.push_back(add_workload(txn, own, plugged.back().port, both(pod_address(node, pod))));
        members.push_back(address_text(pod_address(node, pod)));
    }
    txn.set(group, nb::PortGroup::kPorts, ovsdb::Set<Uuid>(std::move(ports)));
    txn.set(addresses, nb::AddressSet::kAddresses, ovsdb::Set<std::string>(std::move(members)));
    add_acl(txn, group, "to-lport", 1000, fmt::format("outport == @{} && ip", namespace_group(node)), "drop");
    add_acl(txn, group, "to-lport", 1001,
            fmt::format("outport == @{} && ip4.src == ${}", namespace_group(node), namespace_set(node)),
            "allow-related");
    return plugged;
}

// Pods that operations add come behind the first ones, so many to a node as it takes.
Kubernetes::AddedPod Kubernetes::added_pod(size_t number) const {
    size_t node = number % size_.nodes;
    size_t pod = size_.ports + number / size_.nodes % (kMaxPorts + 40 - size_.ports);
    return {{pod_name(node, pod), node},
            pod_address(node, pod),
            nb_.table<nb::LogicalSwitch>().find_by(nb::LogicalSwitch::kName, node_name(node))->uuid,
            nb_.table<nb::PortGroup>().find_by(nb::PortGroup::kName, namespace_group(node))->uuid,
            nb_.table<nb::AddressSet>().find_by(nb::AddressSet::kName, namespace_set(node))->uuid};
}

Operation::Effect Kubernetes::add_pod(Transaction& txn, size_t number) {
    AddedPod pod = added_pod(number);
    Uuid port = add_workload(txn, pod.logical_switch, pod.placement.port, both(pod.address));
    txn.add(pod.group, nb::PortGroup::kPorts, port);
    txn.add(pod.set, nb::AddressSet::kAddresses, address_text(pod.address));
    return {pod.placement, {}};
}

Operation::Effect Kubernetes::delete_pod(Transaction& txn, size_t number) {
    AddedPod pod = added_pod(number);
    const auto& ports = nb_.table<nb::LogicalSwitchPort>();
    Uuid port = ports.find_by(nb::LogicalSwitchPort::kName, pod.placement.port)->uuid;
    txn.remove(pod.logical_switch, nb::LogicalSwitch::kPorts, port);
    txn.remove(pod.group, nb::PortGroup::kPorts, port);
    txn.remove(pod.set, nb::AddressSet::kAddresses, address_text(pod.address));
    return {{}, pod.placement};
}

std::vector<Operation> Kubernetes::operations() {
    auto add_policy = [this](Transaction& txn, size_t number) -> Operation::Effect {
        size_t node = number % size_.nodes;
        const auto* group = nb_.table<nb::PortGroup>().find_by(nb::PortGroup::kName, namespace_group(node));
        add_acl(txn, group->uuid, "to-lport", 1001,
                fmt::format("outport == @{} && ip4.src == ${} && tcp.dst == {}", namespace_group(node),
                            namespace_set((node + 1) % size_.nodes), 1024 + number % 60'000),
                "allow-related");
        return {};
    };
    auto add_one_service = [this](Transaction& txn, size_t number) -> Operation::Effect {
        const auto* group =
            nb_.table<nb::LoadBalancerGroup>().find_by(nb::LoadBalancerGroup::kName, kServices);
        add_service(txn, group->uuid, size_.nodes / 2 + 1 + number);
        return {};
    };
    auto move_endpoints = [this](Transaction& txn, size_t number) -> Operation::Effect {
        size_t service = number % (size_.nodes / 2 + 1);
        const auto* balancer =
            nb_.table<nb::LoadBalancer>().find_by(nb::LoadBalancer::kName, service_name(service));
        std::string vip = balancer->vips.begin()->first;
        txn.set(balancer->uuid, nb::LoadBalancer::kVips, {{vip, endpoints(service, number + 1)}});
        return {};
    };
    return {{"add-pod", [this](Transaction& txn, size_t number) { return add_pod(txn, number); }},
            {"add-policy", add_policy},
            {"add-service", add_one_service},
            {"move-endpoints", move_endpoints},
            {"delete-pod", [this](Transaction& txn, size_t number) { return delete_pod(txn, number); }}};
}

}  // namespace weft::sim
