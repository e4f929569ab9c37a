// The Ethernet addresses of next hops: known ports are written down, the rest comes from MAC_Binding.

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

void arp_resolve_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInArpResolve, 500, "ip4.mcast || ip6.mcast", "next;");
    f.add(Stage::kRouterInArpResolve, 1, "ip4", "get_arp(outport, reg0); next;");
    f.add(Stage::kRouterInArpResolve, 1, "ip6", "get_nd(outport, xxreg0); next;");
    f.add(Stage::kRouterInArpResolve, 0, "1", "drop;");
}

namespace {

template <typename List>
bool in_any(const List& networks, const auto& value) {
    return std::any_of(networks.begin(), networks.end(), [&](const auto& n) { return n.contains(value); });
}

void resolve(FlowWriter& f, const RouterPort& out, const char* reg, const std::string& address,
             const std::string& mac) {
    f.add(Stage::kRouterInArpResolve, 100, fmt::format("outport == {} && {} == {}", out.quoted, reg, address),
          fmt::format("eth.dst = {}; next;", mac));
}

void resolve_addresses(FlowWriter& f, const RouterPort& out, const PortAddresses& a) {
    for (const Ip4& ip : a.ip4) {
        if (in_any(out.addresses.ip4, ip.value)) resolve(f, out, "reg0", ip.address, a.mac);
    }
    for (const Ip6Net& ip : a.ip6) {
        if (in_any(out.addresses.ip6, ip.value)) resolve(f, out, "xxreg0", ip.address, a.mac);
    }
}

// All addresses of another router's port, whatever network they are in.
void resolve_router(FlowWriter& f, const RouterPort& out, const PortAddresses& a) {
    auto list = [](const auto& addresses) {
        std::string text;
        for (const auto& each : addresses) text += (text.empty() ? "" : ", ") + each.address;
        return addresses.size() > 1 ? "{" + text + "}" : text;
    };
    if (!a.ip4.empty()) resolve(f, out, "reg0", list(a.ip4), a.mac);
    if (!a.ip6.empty()) resolve(f, out, "xxreg0", list(a.ip6), a.mac);
}

// Of a transit router's port that is in another zone: what ovn-ic says was learnt there, "MAC IP,MAC IP".
void resolve_neighbors(FlowWriter& f, const RouterPort& out) {
    for (std::string_view each : split(ovsdb::get_string(out.options, "interconn-neighbors"), ",")) {
        size_t space = each.find(' ');
        if (space == std::string_view::npos) continue;
        std::string mac(each.substr(0, space)), ip(each.substr(space + 1));
        bool is_ip4 = parse_ip4(ip).has_value();
        if (!parse_mac(mac) || (!is_ip4 && !parse_ip6(ip))) continue;
        resolve(f, out, is_ip4 ? "reg0" : "xxreg0", ip, mac);
    }
}

}  // namespace

// Routers that are joined by a pair of router ports, without a switch.
void arp_resolve_of_router_port(Program& p, FlowWriter& own, const Router&, const RouterPort& port) {
    if (port.is_distributed_gateway && ovsdb::get_string(port.options, "redirect-type") == "bridged") {
        // On its way to the gateway chassis the packet is for the port itself.
        own.add(Stage::kRouterInArpResolve, 50,
                fmt::format("outport == {} && !is_chassis_resident({})", port.quoted, port.redirect_quoted),
                fmt::format("eth.dst = {}; next;", port.addresses.mac), {port.name, ""});
    }
    resolve_neighbors(own, port);
    if (port.peer_name.empty()) return;
    const Uuid* peer_uuid = p.router_port_named.first(port.peer_name);
    if (!peer_uuid) return;
    const RouterPort& peer = p.router_port(*peer_uuid);
    FlowWriter f(p.flows, peer.router, port.uuid);
    resolve_router(f, peer, port.addresses);
}

void arp_resolve_of_switch_port(Program& p, const SwitchPort& port) {
    if (!port.enabled) return;
    const Uuid& sw = port.switch_uuid;
    bool is_router = port.type == PortType::kRouter;
    if (is_router && port.peer.is_zero()) return;
    if (!is_router && (port.type == PortType::kVirtual)) {
        // Behind a virtual port is whoever announced its address last.
        auto ip = parse_ip4(ovsdb::get_string(port.options, "virtual-ip"));
        if (!ip) return;
        std::string mac = "00:00:00:00:00:00";
        const BindingState* binding = p.in.bindings.find(port.name);
        if (binding && !binding->virtual_parent.empty() && !binding->chassis.is_zero()) {
            const Uuid* parent = p.switch_port_named.first(binding->virtual_parent);
            if (parent && !p.port(*parent).addresses.empty()) mac = p.port(*parent).addresses[0].mac;
        }
        for (const Uuid& to_router : p.router_ports_of_switch[sw]) {
            const RouterPort& out = p.router_port(p.port(to_router).peer);
            FlowWriter f(p.flows, out.router, port.uuid);
            if (in_any(out.addresses.ip4, ip->value)) resolve(f, out, "reg0", ip->address, mac);
        }
        return;
    }
    if (!is_router && port.addresses.empty()) return;
    for (const Uuid& to_router : p.router_ports_of_switch[sw]) {
        const RouterPort& out = p.router_port(p.port(to_router).peer);
        FlowWriter f(p.flows, out.router, port.uuid);
        if (!is_router) {
            for (const PortAddresses& a : port.addresses) resolve_addresses(f, out, a);
            continue;
        }
        const RouterPort& other = p.router_port(port.peer);
        if (out.router == other.router) continue;
        if (p.router(out.router).dynamic_neigh_routers) continue;
        resolve_router(f, out, other.addresses);
    }
}

}  // namespace weft::northd
