#include "sim/shapes/openstack.h"

#include <fmt/format.h>

#include <map>

#include "sim/rows.h"

namespace weft::sim {

namespace nb = schema::nb;
using ovsdb::client::Transaction;

namespace {

constexpr const char *kProvider = "public", *kDropGroup = "neutron_pg_drop";

// Every tenant has the same addresses, as tenants do: 10.0.0.0/16.  Outside there is 172.16.0.0/12: a
// router's address for each tenant first, floating ones behind them.
constexpr uint32_t kTenantNetwork = 10u << 24, kOutside = 172u << 24 | 16u << 16, kFirstFloating = 1u << 19;
constexpr size_t kGateways = 3;

std::string network_name(size_t tenant) {
    return fmt::format("network-{}", tenant);
}
std::string router_name(size_t tenant) {
    return fmt::format("router-{}", tenant);
}
std::string group_name(size_t tenant) {
    return fmt::format("pg_tenant_{}", tenant);
}
std::string port_name(size_t node, size_t port) {
    return fmt::format("{}_port-{}", node_name(node), port);
}
std::string both(uint32_t ethernet, uint32_t address) {
    return ethernet_text(ethernet) + " " + address_text(address);
}

}  // namespace

Openstack::Openstack(Size size, ovsdb::client::Replica& northbound)
    : size_(size),
      nb_(northbound),
      tenants_(std::max<size_t>(1, size.nodes * size.ports / kTenantPorts)),
      addresses_(tenants_) {}

const char* Openstack::summary() const {
    return "tenants with a network and router each, spread over the nodes, one provider network";
}

// Neighbouring ports of a node belong to different tenants.
size_t Openstack::tenant_of(size_t node, size_t port) const {
    return (node * 7'919 + port * 104'729) % tenants_;
}

void Openstack::add_shared(Transaction& txn) {
    Uuid provider = txn.insert<nb::LogicalSwitch>();
    txn.set(provider, nb::LogicalSwitch::kName, kProvider);
    add_switch_port(txn, provider, "provnet", "localnet", "unknown", {{"network_name", "physnet"}});
    Uuid drop = txn.insert<nb::PortGroup>();
    txn.set(drop, nb::PortGroup::kName, kDropGroup);
    add_acl(txn, drop, "from-lport", 1001, fmt::format("inport == @{} && ip", kDropGroup), "drop");
    add_acl(txn, drop, "to-lport", 1001, fmt::format("outport == @{} && ip", kDropGroup), "drop");
}

Openstack::Tenant Openstack::add_tenant(Transaction& txn, size_t tenant) {
    std::string name = router_name(tenant);
    Tenant rows{txn.insert<nb::LogicalSwitch>(), txn.insert<nb::PortGroup>(), txn.insert<nb::DHCPOptions>()};
    txn.set(rows.network, nb::LogicalSwitch::kName, network_name(tenant));
    Uuid router = txn.insert<nb::LogicalRouter>();
    txn.set(router, nb::LogicalRouter::kName, name);
    // Tenants' addresses are alike, so ports are told apart by their Ethernet addresses.
    uint32_t inside = static_cast<uint32_t>(tenant), outside = kOutside + 2 + static_cast<uint32_t>(tenant);
    join(txn, router, name + "-inside", rows.network, network_name(tenant) + "-router",
         ethernet_text(1u << 31 | inside), address_text(kTenantNetwork + 1) + "/16");
    const auto* provider = nb_.table<nb::LogicalSwitch>().find_by(nb::LogicalSwitch::kName, kProvider);
    Uuid gateway_port = join(txn, router, name + "-outside", provider->uuid, "public-" + name,
                             ethernet_text(outside), address_text(outside) + "/12");
    for (size_t i = 0; i < std::min(kGateways, size_.nodes); ++i) {
        add_gateway(txn, gateway_port, name + "-outside", node_name((tenant + i) % size_.nodes),
                    static_cast<int64_t>(kGateways - i));
    }
    add_route(txn, router, "0.0.0.0/0", address_text(kOutside + 1));
    add_nat(txn, router, "snat", address_text(outside), address_text(kTenantNetwork) + "/16");

    txn.set(rows.dhcp, nb::DHCPOptions::kCidr, address_text(kTenantNetwork) + "/16");
    txn.set(rows.dhcp, nb::DHCPOptions::kOptions,
            {{"lease_time", "43200"},
             {"mtu", "1442"},
             {"router", address_text(kTenantNetwork + 1)},
             {"server_id", address_text(kTenantNetwork + 1)},
             {"server_mac", ethernet_text(1u << 31 | inside)}});
    std::string group = group_name(tenant);
    txn.set(rows.group, nb::PortGroup::kName, group);
    add_acl(txn, rows.group, "from-lport", 1002, fmt::format("inport == @{} && ip4", group), "allow-related");
    add_acl(txn, rows.group, "to-lport", 1002,
            fmt::format("outport == @{0} && ip4 && ip4.src == ${0}_ip4", group), "allow-related");
    add_acl(txn, rows.group, "to-lport", 1002, fmt::format("outport == @{} && ip4 && icmp4", group),
            "allow-related");
    add_acl(txn, rows.group, "to-lport", 1002, fmt::format("outport == @{} && ip4 && tcp.dst == 22", group),
            "allow-related");
    return rows;
}

Openstack::Tenant Openstack::find_tenant(size_t tenant) const {
    const auto* network =
        nb_.table<nb::LogicalSwitch>().find_by(nb::LogicalSwitch::kName, network_name(tenant));
    const auto* group = nb_.table<nb::PortGroup>().find_by(nb::PortGroup::kName, group_name(tenant));
    if (!network || !group) return {};
    // Its DHCP options are those of its ports.
    Uuid dhcp;
    for (const Uuid& port : network->ports) {
        const auto* row = nb_.find<nb::LogicalSwitchPort>(port);
        if (row && row->dhcpv4_options) dhcp = *row->dhcpv4_options;
    }
    return {network->uuid, group->uuid, dhcp};
}

void Openstack::add_port(Transaction& txn, size_t tenant, const Tenant& rows, const std::string& name) {
    uint32_t address = kTenantNetwork + 10 + addresses_[tenant]++;
    uint32_t ethernet = (static_cast<uint32_t>(tenant) << 12 | (address & 0xfff)) ^ 1u << 30;
    Uuid port = add_workload(txn, rows.network, name, both(ethernet, address));
    if (!(rows.dhcp == Uuid())) txn.set(port, nb::LogicalSwitchPort::kDhcpv4Options, rows.dhcp);
    const auto* drop = nb_.table<nb::PortGroup>().find_by(nb::PortGroup::kName, kDropGroup);
    txn.add(drop->uuid, nb::PortGroup::kPorts, port);
    txn.add(rows.group, nb::PortGroup::kPorts, port);
}

std::vector<Placement> Openstack::add_node(Transaction& txn, size_t node) {
    std::vector<Placement> plugged;
    std::map<size_t, Tenant> added;  // in this transaction
    for (size_t port = 0; port < size_.ports; ++port) {
        size_t tenant = tenant_of(node, port);
        auto it = added.find(tenant);
        if (it == added.end()) {
            Tenant rows = find_tenant(tenant);
            if (rows.network == Uuid()) rows = add_tenant(txn, tenant);
            it = added.emplace(tenant, rows).first;
        }
        plugged.push_back({port_name(node, port), node});
        add_port(txn, tenant, it->second, plugged.back().port);
    }
    return plugged;
}

std::vector<Operation> Openstack::operations() {
    // The tenants that have ports are those of the nodes' ports.
    auto tenant = [this](size_t number) {
        return tenant_of(number % size_.nodes, number / size_.nodes % size_.ports);
    };
    auto name = [](size_t number) { return fmt::format("added-{}", number); };
    auto add_one_port = [=, this](Transaction& txn, size_t number) -> Operation::Effect {
        add_port(txn, tenant(number), find_tenant(tenant(number)), name(number));
        return {Placement{name(number), (number + 1) % size_.nodes}, {}};
    };
    auto add_rule = [=, this](Transaction& txn, size_t number) -> Operation::Effect {
        add_acl(txn, find_tenant(tenant(number)).group, "to-lport", 1002,
                fmt::format("outport == @{} && ip4 && tcp.dst == {}", group_name(tenant(number)),
                            1024 + number % 60'000),
                "allow-related");
        return {};
    };
    auto add_floating_address = [=, this](Transaction& txn, size_t number) -> Operation::Effect {
        const auto* router =
            nb_.table<nb::LogicalRouter>().find_by(nb::LogicalRouter::kName, router_name(tenant(number)));
        const auto* port =
            nb_.table<nb::LogicalSwitchPort>().find_by(nb::LogicalSwitchPort::kName, name(number));
        std::string addresses = port->addresses.front();
        add_nat(txn, router->uuid, "dnat_and_snat", address_text(kOutside + kFirstFloating + floating_++),
                addresses.substr(addresses.find(' ') + 1));
        return {};
    };
    auto add_one_tenant = [this](Transaction& txn, size_t number) -> Operation::Effect {
        add_tenant(txn, tenants_ + number);
        return {};
    };
    auto delete_port = [=, this](Transaction& txn, size_t number) -> Operation::Effect {
        const auto* port =
            nb_.table<nb::LogicalSwitchPort>().find_by(nb::LogicalSwitchPort::kName, name(number));
        Tenant rows = find_tenant(tenant(number));
        const auto* drop = nb_.table<nb::PortGroup>().find_by(nb::PortGroup::kName, kDropGroup);
        txn.remove(rows.network, nb::LogicalSwitch::kPorts, port->uuid);
        txn.remove(rows.group, nb::PortGroup::kPorts, port->uuid);
        txn.remove(drop->uuid, nb::PortGroup::kPorts, port->uuid);
        return {{}, Placement{name(number), (number + 1) % size_.nodes}};
    };
    return {{"add-port", add_one_port},
            {"add-rule", add_rule},
            {"add-floating-ip", add_floating_address},
            {"add-tenant", add_one_tenant},
            {"delete-port", delete_port}};
}

}  // namespace weft::sim
