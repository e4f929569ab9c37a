#include "northd/dynamic_routing.h"

#include <fmt/core.h>

#include "northd/evpn_settings.h"
#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_string;

namespace {

constexpr const char* kRedistribute = "dynamic-routing-redistribute";
// Of a switch in an EVPN, on the hosts: all are needed.
constexpr const char* kEvpnDevices[] = {"dynamic-routing-bridge-ifname", "dynamic-routing-vxlan-ifname",
                                        "dynamic-routing-advertise-ifname"};

std::string as_network(const std::string& address) {
    return address + (address.find(':') == std::string::npos ? "/32" : "/128");
}

// Of a router its gateway port, if it has one alone: what is central is there.
std::string central_port(Program& p, const Uuid& router) {
    const std::vector<Uuid>& gateways = p.gateway_port_list(router);
    return gateways.size() == 1 ? p.router_port(gateways[0]).redirect_name : "";
}

// Routers on the other side of the port.
std::vector<Uuid> neighbors_of(Program& p, const RouterPort& port) {
    std::vector<Uuid> out;
    if (const Uuid* other = p.router_port_named.first(port.peer_name)) {
        const Uuid& router = p.router_port(*other).router;
        if (!port.peer_name.empty() && !router.is_zero()) out.push_back(router);
    }
    for (const Uuid& here : p.switch_ports_at[port.uuid]) {
        for (const Uuid& there : p.router_ports_of_switch[p.port(here).switch_uuid]) {
            const Uuid& router = p.router_port(p.port(there).peer).router;
            if (!router.is_zero() && router != port.router) out.push_back(router);
        }
    }
    return out;
}

void advertise_services(Program& p, const RouterPort& port, const Uuid& router, const Redistribution& what) {
    if (!p.router(router).enabled) return;
    std::string central = central_port(p, router);
    if (what.nat) {
        for (const Uuid& uuid : p.router_nats(router)) {
            const NatFacts& nat = p.nat(uuid);
            bool follows_workload = nat.is_distributed && p.switch_port_named.contains(nat.logical_port);
            p.advertised_rows.emit({port.router, port.name, as_network(nat.external_ip),
                                    follows_workload ? nat.logical_port : central});
        }
    }
    if (!what.lb) return;
    const VipSummary& vips = p.router_vips(router);
    for (const auto* list : {&vips.ip4, &vips.ip6}) {
        for (const std::string& ip : *list)
            p.advertised_rows.emit({port.router, port.name, as_network(ip), central});
    }
}

}  // namespace

Redistribution redistribution_of(Program& p, const RouterPort& port) {
    Redistribution out;
    const Router& router = p.router(port.router);
    if (!get_bool(router.options, "dynamic-routing")) return out;
    const ovsdb::StringMap& options = port.options.contains(kRedistribute) ? port.options : router.options;
    for (std::string_view word : split(get_string(options, kRedistribute), ", ")) {
        out.connected |= word == "connected";
        out.hosts |= word == "connected-as-host";
        out.statics |= word == "static";
        out.nat |= word == "nat";
        out.lb |= word == "lb";
    }
    return out;
}

void advertise_of_router_port(Program& p, const Router& router, const RouterPort& port) {
    if (!get_bool(router.options, "dynamic-routing") || !port.enabled) return;
    const ovsdb::StringMap& options = port.options.contains(kRedistribute) ? port.options : router.options;
    for (std::string_view word : split(get_string(options, kRedistribute), ", ")) {
        bool known = word == "connected" || word == "connected-as-host" || word == "static" ||
                     word == "nat" || word == "lb";
        if (!known)
            p.complaints.emit(
                fmt::format("Logical_Router_Port {}: unknown {} '{}'", port.name, kRedistribute, word));
    }
    Redistribution what = redistribution_of(p, port);
    auto own = [&](const auto& ip) {
        if (what.connected) p.advertised_rows.emit({port.router, port.name, ip.network_text(), ""});
        if (what.hosts) p.advertised_rows.emit({port.router, port.name, as_network(ip.address), port.name});
    };
    for (const Ip4& ip : port.addresses.ip4) own(ip);
    for (const Ip6Net& ip : port.addresses.ip6) {
        if (!ip.is_link_local()) own(ip);
    }
    if (!what.nat && !what.lb) return;
    advertise_services(p, port, port.router, what);
    for (const Uuid& neighbor : neighbors_of(p, port)) advertise_services(p, port, neighbor, what);
}

// The addresses behind a switch port, for the routers of its switch.
void advertise_of_switch_port(Program& p, const SwitchPort& port) {
    if (!port.enabled) return;
    bool is_router = port.type == PortType::kRouter;
    if (is_router && port.peer.is_zero()) return;
    for (const Uuid& to_router : p.router_ports_of_switch[port.switch_uuid]) {
        if (to_router == port.uuid) continue;
        const RouterPort& out = p.router_port(p.port(to_router).peer);
        if (out.router.is_zero() || !p.router(out.router).enabled || out.addresses.mac.empty()) continue;
        if (!redistribution_of(p, out).hosts) continue;
        auto all_of = [&](const PortAddresses& addresses, const std::string& tracked) {
            for (const Ip4& ip : addresses.ip4)
                p.advertised_rows.emit({out.router, out.name, as_network(ip.address), tracked});
            for (const Ip6Net& ip : addresses.ip6) {
                if (!ip.is_link_local())
                    p.advertised_rows.emit({out.router, out.name, as_network(ip.address), tracked});
            }
        };
        if (is_router) {
            all_of(p.router_port(port.peer).addresses, "");
        } else {
            for (const PortAddresses& addresses : port.addresses) all_of(addresses, port.name);
        }
    }
}

void copy_evpn_settings(const ovsdb::StringMap& config, ovsdb::StringMap& external_ids) {
    if (!config.contains("dynamic-routing-vni")) return;
    for (const auto& [key, value] : config) {
        if (key.starts_with("dynamic-routing-")) external_ids.set(key, value);
    }
}

// A switch that is part of an EVPN has its identifier (RFC 7432, RFC 8365: 24 bits).
bool advertises_ips(const ovsdb::StringMap& config) {
    int64_t vni = ovsdb::get_int(config, "dynamic-routing-vni", -1);
    if (vni < 0 || vni >= 1 << 24) return false;
    for (std::string_view word : split(get_string(config, kRedistribute), ", ")) {
        if (word == "ip") return true;
    }
    return false;
}

void check_dynamic_routing_of_switch(Program& p, const Uuid& uuid) {
    const nb::LogicalSwitch* row = p.in.switches.get(uuid);
    if (!row || !row->other_config.contains("dynamic-routing-vni")) return;
    int64_t vni = ovsdb::get_int(row->other_config, "dynamic-routing-vni", -1);
    if (vni < 0 || vni >= 1 << 24) {
        return p.complaints.emit(
            fmt::format("Logical_Switch {}: other_config:dynamic-routing-vni '{}' is not between 0 and "
                        "16777215; nothing is announced",
                        row->name, get_string(row->other_config, "dynamic-routing-vni")));
    }
    for (const char* device : kEvpnDevices) {
        if (get_string(row->other_config, device).empty()) {
            p.complaints.emit(fmt::format(
                "Logical_Switch {}: other_config:{} is missing: without it hosts take no part in the EVPN",
                row->name, device));
        }
    }
    for (std::string_view word : split(get_string(row->other_config, kRedistribute), ", ")) {
        if (word != "ip" && word != "fdb") {
            p.complaints.emit(
                fmt::format("Logical_Switch {}: unknown {} '{}'", row->name, kRedistribute, word));
        }
    }
}

void advertise_macs_of_port(Program& p, const SwitchPort& port) {
    if (port.switch_uuid.is_zero() || !port.enabled || !p.switch_(port.switch_uuid).advertises_ips) return;
    auto all_of = [&](const PortAddresses& addresses) {
        for (const Ip4& ip : addresses.ip4)
            p.advertised_mac_rows.emit({port.switch_uuid, port.name, ip.address, addresses.mac});
        for (const Ip6Net& ip : addresses.ip6) {
            if (!ip.is_link_local())
                p.advertised_mac_rows.emit({port.switch_uuid, port.name, ip.address, addresses.mac});
        }
    };
    if (port.type == PortType::kRouter) {
        if (!port.peer.is_zero()) all_of(p.router_port(port.peer).addresses);
    } else if (port.type == PortType::kVif || port.type == PortType::kVirtual) {
        for (const PortAddresses& addresses : port.addresses) all_of(addresses);
    }
}

void list_learned_route(Program& p, const Uuid& uuid) {
    const LearnedRoute* route = p.in.learned_routes.find(uuid);
    const Uuid* port = p.router_port_named.first(route->port);
    if (!port) return;
    const RouterPort& facts = p.router_port(*port);
    if (facts.router != route->router || !p.router(facts.router).enabled) return;
    if (!get_bool(p.router(facts.router).options, "dynamic-routing")) return;
    if (get_bool(facts.options, "dynamic-routing-no-learning")) return;
    RouteKey key;
    key.router = facts.router;
    if (auto ip4 = parse_ip4(route->prefix)) {
        key.prefix = ip4->network_text();
    } else if (auto ip6 = parse_ip6(route->prefix)) {
        key.prefix = ip6->network_text();
    } else {
        return;
    }
    p.routes_by_key.emit(std::move(key), uuid);
}

}  // namespace weft::northd
