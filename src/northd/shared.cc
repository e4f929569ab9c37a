#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

std::string copp_meter(Program& p, const std::optional<Uuid>& copp, const char* protocol) {
    if (!copp) return "";
    const nb::Copp* row = p.in.copp.get(*copp);
    if (!row) return "";
    const std::string* meter = row->meters.find(std::string(protocol));
    return meter && p.meter_named.contains(*meter) ? *meter : "";
}

std::map<std::string, std::vector<Uuid>> by_meter(Program& p, std::span<const Uuid> datapaths,
                                                  const char* protocol) {
    std::map<std::string, std::vector<Uuid>> out;
    for (const Uuid& uuid : datapaths) {
        const std::optional<Uuid>& copp =
            p.in.switches.get(uuid) ? p.switch_(uuid).copp : p.router(uuid).copp;
        out[copp_meter(p, copp, protocol)].push_back(uuid);
    }
    return out;
}

std::string residence(std::string_view quoted_port) {
    return fmt::format(" && is_chassis_resident({})", quoted_port);
}

std::string redirect_residence(Program& p, const RouterPort& port) {
    if (port.is_distributed_gateway) return residence(port.redirect_quoted);
    const RouterPort* gateway = redirect_gateway(p, port);
    if (!gateway) return "";
    for (const Uuid& peer : p.switch_ports_at[port.uuid]) {
        if (p.has_localnet_ports(p.port(peer).switch_uuid)) return residence(gateway->redirect_quoted);
    }
    return "";
}

const RouterPort* redirect_gateway(Program& p, const RouterPort& port) {
    if (!ovsdb::get_bool(port.options, "reside-on-redirect-chassis")) return nullptr;
    const std::vector<Uuid>& gateways = p.gateway_port_list(port.router);
    return gateways.size() == 1 ? &p.router_port(gateways[0]) : nullptr;
}

namespace {

std::string source_in_network(const RouterPort& port, std::string_view next_hop) {
    if (auto ip4 = parse_ip4(next_hop)) {
        for (const Ip4& net : port.addresses.ip4) {
            if (net.contains(ip4->value)) return net.address;
        }
    } else if (auto ip6 = parse_ip6(next_hop)) {
        for (const Ip6Net& net : port.addresses.ip6) {
            if (net.contains(ip6->value)) return net.address;
        }
    }
    return "";
}

}  // namespace

std::optional<Outlet> find_outlet(Program& p, const Uuid& router, std::string_view next_hop,
                                  const std::string& output_port) {
    if (!output_port.empty()) {
        const Uuid* uuid = p.router_port_named.first(output_port);
        if (!uuid || p.router_port(*uuid).router != router) return std::nullopt;
        const RouterPort& port = p.router_port(*uuid);
        std::string source = source_in_network(port, next_hop);
        if (source.empty()) {  // not in its networks: the port's first address of the family
            bool is_ip6 = parse_ip6(next_hop).has_value() || next_hop == "discard";
            if (!is_ip6 && !port.addresses.ip4.empty()) source = port.addresses.ip4[0].address;
            if (is_ip6 && !port.addresses.ip6.empty()) source = port.addresses.ip6[0].address;
        }
        if (source.empty()) return std::nullopt;
        return Outlet{*uuid, source};
    }
    for (const Uuid& uuid : p.router_ports(router)) {
        std::string source = source_in_network(p.router_port(uuid), next_hop);
        if (!source.empty()) return Outlet{uuid, source};
    }
    return std::nullopt;
}

}  // namespace weft::northd
