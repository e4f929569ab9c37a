#include "sim/shape.h"

#include <fmt/format.h>

#include "schema/nb.h"
#include "sim/shapes/kubernetes.h"
#include "sim/shapes/openstack.h"

namespace weft::sim {

namespace {

struct Entry {
    const char* name;
    size_t max_nodes, max_ports;
    std::unique_ptr<Shape> (*make)(Shape::Size, ovsdb::client::Replica&);
};

template <typename T>
std::unique_ptr<Shape> make(Shape::Size size, ovsdb::client::Replica& northbound) {
    return std::make_unique<T>(size, northbound);
}

constexpr Entry kShapes[] = {
    {"kubernetes", Kubernetes::kMaxNodes, Kubernetes::kMaxPorts, make<Kubernetes>},
    {"openstack", Openstack::kMaxNodes, Openstack::kMaxPorts, make<Openstack>},
};

}  // namespace

std::string shape_names() {
    std::string names;
    for (const Entry& entry : kShapes) names += (names.empty() ? "" : ", ") + std::string(entry.name);
    return names;
}

Result<std::unique_ptr<Shape>> make_shape(std::string_view name, Shape::Size size,
                                          ovsdb::client::Replica& northbound) {
    for (const Entry& entry : kShapes) {
        if (name != entry.name) continue;
        if (size.nodes < 1 || size.nodes > entry.max_nodes || size.ports < 1 ||
            size.ports > entry.max_ports) {
            return Error{fmt::format("{} nodes of {} ports: shape {} has 1 to {} nodes of 1 to {} ports",
                                     size.nodes, size.ports, name, entry.max_nodes, entry.max_ports)};
        }
        namespace nb = schema::nb;
        northbound.add_index(nb::LogicalSwitch::kName);
        northbound.add_index(nb::LogicalSwitchPort::kName);
        northbound.add_index(nb::LogicalRouter::kName);
        northbound.add_index(nb::PortGroup::kName);
        northbound.add_index(nb::AddressSet::kName);
        northbound.add_index(nb::LoadBalancer::kName);
        northbound.add_index(nb::LoadBalancerGroup::kName);
        return entry.make(size, northbound);
    }
    return Error{fmt::format("there is no shape \"{}\": {} are there", name, shape_names())};
}

std::string node_name(size_t node) {
    return fmt::format("node-{}", node);
}

std::string address_text(uint32_t a) {
    return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

std::string ethernet_text(uint32_t a) {
    return fmt::format("0a:58:{:02x}:{:02x}:{:02x}:{:02x}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

}  // namespace weft::sim
