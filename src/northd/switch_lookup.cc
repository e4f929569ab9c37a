// Where a switch sends a packet: by known address, to routers that own what is asked for, to all, or to ports
// that accept unknown addresses.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

// ARP requests and neighbour solicitations for an address of the router go to the router, and to ports that
// are not routers, instead of to all.
void ask_router(FlowWriter& f, const SwitchPort& port, bool has_plain_ports, uint16_t priority,
                const std::string& match) {
    f.add(Stage::kSwitchInL2Lkup, priority, match,
          has_plain_ports
              ? fmt::format("clone {{outport = {}; output; }}; outport = \"_MC_flood_l2\"; output;",
                            port.quoted)
              : fmt::format("outport = {}; output;", port.quoted));
}

void ask_router_for4(FlowWriter& f, const SwitchPort& port, bool has_plain_ports, const std::string& ip) {
    ask_router(f, port, has_plain_ports, 80,
               fmt::format("flags[1] == 0 && arp.op == 1 && arp.tpa == {}", ip));
}

void ask_router_for6(FlowWriter& f, const SwitchPort& port, bool has_plain_ports, const std::string& ip) {
    ask_router(f, port, has_plain_ports, 80, fmt::format("flags[1] == 0 && nd_ns && nd.target == {}", ip));
}

void ask_router_for_nat(Program& p, FlowWriter& f, const SwitchPort& port, const RouterPort& peer,
                        bool has_plain_ports) {
    for (const Uuid& uuid : p.router_nats(peer.router)) {
        const NatFacts& nat = p.nat(uuid);
        if (nat.type == NatType::kSnat) continue;
        (nat.is_ip6 ? ask_router_for6 : ask_router_for4)(f, port, has_plain_ports, nat.external_ip);
    }
}

// What the router itself asks goes to ports that are no routers: routers know each other.
void flood_of_router(Program& p, FlowWriter& f, const SwitchPort& port, const RouterPort& peer) {
    std::string macs = peer.addresses.mac;
    for (const Uuid& uuid : p.router_nats(peer.router)) {
        const NatFacts& nat = p.nat(uuid);
        if (nat.external_mac.empty()) continue;
        macs += ", " + nat.external_mac;
    }
    f.add(Stage::kSwitchInL2Lkup, 75,
          fmt::format("eth.src == {{{}}} && (arp.op == 1 || rarp.op == 3 || nd_ns)", macs),
          "outport = \"_MC_flood_l2\"; output;", {port.name, ""});
}

void lookup_of_router_peer(Program& p, FlowWriter& f, const SwitchPort& port) {
    const RouterPort& peer = p.router_port(port.peer);
    if (!port.enabled) return;
    bool plain = p.has_plain_ports(port.switch_uuid);
    for (const Ip4& ip : peer.addresses.ip4) ask_router_for4(f, port, plain, ip.address);
    for (const Ip6Net& ip : peer.addresses.ip6) ask_router_for6(f, port, plain, ip.address);
    ask_router_for_nat(p, f, port, peer, plain);
    if (plain) flood_of_router(p, f, port, peer);
}

// The router's own address behind the port; on the gateway chassis alone where traffic is centralised.
void lookup_of_router_address(Program& p, FlowWriter& f, const SwitchPort& port) {
    const RouterPort& peer = p.router_port(port.peer);
    std::string match = "eth.dst == " + peer.addresses.mac;
    if (peer.is_distributed_gateway) {
        // Without a physical network behind the switch any chassis may hand the packet to the router.
        // Nor where every chassis balances.
        if (p.has_localnet_ports(port.switch_uuid) && !p.router_state(peer.router).has_distributed_lb)
            match += residence(peer.redirect_quoted);
    } else {
        match += redirect_residence(p, peer);
    }
    f.add(Stage::kSwitchInL2Lkup, 50, match, fmt::format("outport = {}; output;", port.quoted));
    if (!peer.is_distributed_gateway) return;
    for (const Uuid& uuid : p.router_nats(peer.router)) {
        const NatFacts& nat = p.nat(uuid);
        if (nat.type != NatType::kDnatAndSnat || !nat.is_distributed) continue;
        f.add(Stage::kSwitchInL2Lkup, 50,
              fmt::format("eth.dst == {}{}", nat.external_mac, residence(quoted(nat.logical_port))),
              fmt::format("outport = {}; output;", port.quoted));
    }
}

}  // namespace

void lookup_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    f.add(Stage::kSwitchInL2Lkup, 110, "eth.dst == $svc_monitor_mac && (tcp || icmp || icmp6)",
          "handle_svc_check(inport);", {"", copp_meter(p, sw.copp, "svc-monitor")});
    if (!sw.broadcast_arps_to_all_routers) {
        // A request for an address that no router is known to own does not go to them.
        f.add(Stage::kSwitchInL2Lkup, 72, "eth.mcast && (arp.op == 1 || nd_ns)",
              p.has_plain_ports(sw.uuid) ? "outport = \"_MC_flood_l2\"; output;" : kDrop);
    }
    f.add(Stage::kSwitchInL2Lkup, 70, "eth.mcast", "outport = \"_MC_flood\"; output;");
    f.add(Stage::kSwitchInL2Lkup, 0, "1", "outport = get_fdb(eth.dst); next;");
    f.add(Stage::kSwitchInL2Unknown, 50, "outport == \"none\"",
          p.has_unknown_ports(sw.uuid) ? "outport = \"_MC_unknown\"; output;" : "drop;");
    f.add(Stage::kSwitchInL2Unknown, 0, "1", "output;");
}

// VIPs in the networks of a router port, on the switch behind it.
void lookup_of_near_vips(Program& p, const Uuid& router_port) {
    const NearVips& vips = p.near_vips(router_port);
    if (vips.ip4.empty() && vips.ip6.empty()) return;
    for (const Uuid& uuid : p.switch_ports_at[router_port]) {
        const SwitchPort& port = p.port(uuid);
        if (!port.enabled) continue;
        FlowWriter f(p.flows, port.switch_uuid, uuid);
        bool plain = p.has_plain_ports(port.switch_uuid);
        for (const std::string& ip : vips.ip4) ask_router_for4(f, port, plain, ip);
        for (const std::string& ip : vips.ip6) ask_router_for6(f, port, plain, ip);
    }
}

void lookup_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    if (port.type == PortType::kRouter && !port.peer.is_zero()) lookup_of_router_peer(p, f, port);
    if (port.type == PortType::kExternal) return;
    std::string action = port.enabled ? fmt::format("outport = {}; output;", port.quoted) : "drop;";
    // ovn-nb(5), options:pkt_clone_type and options:force_fdb_lookup: what goes to the port goes to those
    // that accept unknown addresses, too; and where its address is, is learnt, whatever the northbound says.
    if (port.enabled && port.is_vif_like() && p.has_unknown_ports(port.switch_uuid) &&
        ovsdb::get_string(port.options, "pkt_clone_type") == "mc_unknown") {
        action =
            fmt::format("clone {{outport = {}; output; }}; outport = \"_MC_unknown\"; output;", port.quoted);
    }
    bool is_learnt = port.is_vif_like() && port.unknown && ovsdb::get_bool(port.options, "force_fdb_lookup");
    if (!port.enabled) {
        f.add(Stage::kSwitchInL2Unknown, 50, "outport == " + port.quoted, "drop;");
    }
    for (const PortAddresses& a : port.addresses) {
        if (port.router_address && &a == &port.addresses[0] && !port.peer.is_zero()) {
            lookup_of_router_address(p, f, port);
            continue;
        }
        if (!is_learnt) f.add(Stage::kSwitchInL2Lkup, 50, "eth.dst == " + a.mac, action);
    }
    for (const std::string& bad : port.bad_addresses) {
        p.complaints.emit(
            fmt::format("Logical_Switch_Port {}: invalid syntax '{}' in addresses", port.name, bad));
    }
}

}  // namespace weft::northd
