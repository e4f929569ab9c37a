// The northbound rows behind logical flows.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/detrace/expand.h"
#include "cli/detrace/values.h"
#include "schema/nb.h"

namespace weft::cli::detrace {

namespace {

namespace nb = schema::nb;

std::string describe(const nb::ACL& acl) {
    return fmt::format("ACL: {}, priority={}, match=({}), {}{}", acl.direction, acl.priority, acl.match,
                       acl.action, acl.log ? " (log)" : "");
}

std::string describe(const nb::LoadBalancer& lb) {
    return fmt::format("Load Balancer: {} protocol {} vips {} ip_port_mappings {}", lb.name,
                       list_text(lb.protocol), map_text(lb.vips), map_text(lb.ip_port_mappings));
}

std::string describe(const nb::NAT& nat) {
    return fmt::format("NAT: external IP {} external_mac {} logical_ip {} logical_port {} type {}",
                       nat.external_ip, list_text(nat.external_mac), nat.logical_ip,
                       list_text(nat.logical_port), nat.type);
}

std::string describe(const nb::LogicalRouterPort& port) {
    return fmt::format("Logical Router Port: {} mac {} networks {} ipv6_ra_configs {}", port.name, port.mac,
                       list_text(port.networks), map_text(port.ipv6_ra_configs));
}

std::string describe(const nb::LogicalSwitchPort& port) {
    return fmt::format("Logical Switch Port: {} type {} (addresses {}, dynamic addresses {}, security {}",
                       port.name, port.type, list_text(port.addresses), list_text(port.dynamic_addresses),
                       list_text(port.port_security));
}

std::string describe(const nb::LogicalRouterStaticRoute& route) {
    return fmt::format("Route: {} via {} (port {}), policy={}", route.ip_prefix, route.nexthop,
                       list_text(route.output_port), list_text(route.policy));
}

std::string describe(const nb::LogicalRouterPolicy& policy) {
    return fmt::format("Logical Router Policy: priority {} match {} action {} nexthop {}", policy.priority,
                       policy.match, policy.action, list_text(policy.nexthop));
}

std::string describe(const nb::DHCPOptions& options) {
    return fmt::format("DHCP Options: cidr {} options ({})", options.cidr, map_text(options.options));
}

std::string describe(const nb::QoS& qos) {
    return fmt::format("QoS: priority {} direction {} match {} action {} bandwidth {}", qos.priority,
                       qos.direction, qos.match, map_text(qos.action), map_text(qos.bandwidth));
}

template <typename... Row>
struct Rows {
    static void monitor(ovsdb::client::Replica& replica) { (replica.monitor<Row>(), ...); }

    static std::string expand(const ovsdb::client::Replica& replica, std::string_view hint) {
        std::string out;
        (expand_one<Row>(replica, hint, out), ...);
        return out;
    }

  private:
    template <typename Each>
    static void expand_one(const ovsdb::client::Replica& replica, std::string_view hint, std::string& out) {
        for (const Each& row : replica.table<Each>()) {
            if (row.uuid.to_string().starts_with(hint)) out += "   * " + describe(row) + "\n";
        }
    }
};

using Expanded = Rows<nb::ACL, nb::LoadBalancer, nb::NAT, nb::LogicalRouterPort, nb::LogicalSwitchPort,
                      nb::LogicalRouterStaticRoute, nb::LogicalRouterPolicy, nb::DHCPOptions, nb::QoS>;

}  // namespace

void monitor_northbound(ovsdb::client::Replica& replica) {
    Expanded::monitor(replica);
}

std::string expand_hint(const ovsdb::client::Replica& northbound, std::string_view hint) {
    return hint.empty() ? "" : Expanded::expand(northbound, hint);
}

}  // namespace weft::cli::detrace
