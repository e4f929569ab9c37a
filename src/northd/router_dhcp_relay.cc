// DHCPv4 relays of router ports (ovn-nb(5), Logical_Router_Port:dhcp_relay; RFC 1542): requests that come in
// by the port go on to the server from the port's address, answers to that address go out of it to the
// client.
//
// The controller checks and completes the messages (dhcp_relay_req_chk, dhcp_relay_resp_chk); bits 7 and 8 of
// reg9 hold what it found, reg2 the address an answer came to.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

struct Relay {
    std::string own, server;  // addresses
};

// The port's relay; nothing, and why in `error`, if it cannot be one.
std::optional<Relay> relay_of(Program& p, const RouterPort& port, std::string* error = nullptr) {
    if (!port.dhcp_relay) return std::nullopt;
    const nb::DHCPRelay* row = p.in.dhcp_relays.get(*port.dhcp_relay);
    auto fail = [&](std::string why) -> std::optional<Relay> {
        if (error) *error = std::move(why);
        return std::nullopt;
    };
    if (!row) return std::nullopt;
    std::string servers = row->servers.value_or("");
    auto server = parse_ip4(servers);
    if (!server || server->prefix != 32)
        return fail(fmt::format("DHCP_Relay {}: servers '{}' is not one IPv4 address", row->name, servers));
    if (port.addresses.ip4.empty())
        return fail(
            fmt::format("Logical_Router_Port {}: dhcp_relay needs an IPv4 address of the port", port.name));
    return Relay{port.addresses.ip4[0].address, server->address};
}

}  // namespace

void dhcp_relay_of_port(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    std::string error;
    std::optional<Relay> relay = relay_of(p, port, &error);
    if (!error.empty()) p.complaints.emit(std::move(error));
    if (!relay) return;
    const auto& [own, server] = *relay;
    FlowWriter::More about{"", copp_meter(p, r.copp, "dhcpv4-relay")};
    std::string request = fmt::format(
        "inport == {} && ip4.src == {{0.0.0.0, {}}} && ip4.dst == {{{}, 255.255.255.255}} && !ip.is_frag && "
        "udp.src == 68 && udp.dst == 67",
        port.quoted, port.addresses.ip4[0].network_text(), own);
    f.add(Stage::kRouterInIpInput, 110, request,
          fmt::format("reg9[7] = dhcp_relay_req_chk({}, {}); next;", own, server), about);
    f.add(Stage::kRouterInUnsnat, 200, request + " && reg9[7] == 1",
          fmt::format("ip4.src = {}; ip4.dst = {}; udp.src = 67; next;", own, server));
    f.add(Stage::kRouterInUnsnat, 200, request + " && reg9[7] == 0", kDrop);

    std::string servers_answer = fmt::format("ip4.src == {} && ", server),
                ports = "!ip.is_frag && udp.src == 67 && udp.dst == 67";
    std::string answer = fmt::format("{}ip4.dst == {} && {}", servers_answer, own, ports);
    f.add(Stage::kRouterInIpInput, 110, answer, "next;");
    f.add(Stage::kRouterInNdRaOptions, 100, answer,
          fmt::format("reg2 = ip4.dst; reg9[8] = dhcp_relay_resp_chk({}, {}); next;", own, server), about);
    std::string checked = fmt::format("{}reg2 == {} && {}", servers_answer, own, ports);
    f.add(Stage::kRouterInNdRaResponse, 100, checked + " && reg9[8] == 1",
          fmt::format("eth.src = {}; ip4.src = {}; udp.dst = 68; outport = {}; flags.loopback = 1; output;",
                      port.addresses.mac, own, port.quoted));
    f.add(Stage::kRouterInNdRaResponse, 100, checked + " && reg9[8] == 0", kDrop);
}

// A switch that names the port to its relay sends requests there alone (ovn-nb(5),
// other_config:dhcp_relay_port).
void dhcp_relay_of_client(Program& p, FlowWriter& f, const SwitchPort& port) {
    const std::string& name = p.switch_(port.switch_uuid).dhcp_relay_port;
    if (name.empty() || !port.is_vif_like() || !port.enabled) return;
    const Uuid* uuid = p.switch_port_named.first(name);
    if (!uuid) return;
    const SwitchPort& to_router = p.port(*uuid);
    if (to_router.switch_uuid != port.switch_uuid || to_router.peer.is_zero()) return;
    const RouterPort& peer = p.router_port(to_router.peer);
    std::optional<Relay> relay = relay_of(p, peer);
    if (!relay) return;
    for (const PortAddresses& a : port.addresses) {
        std::string sources = "0.0.0.0";
        for (const Ip4& ip : a.ip4) sources += ", " + ip.address;
        f.add(Stage::kSwitchInL2Lkup, 100,
              fmt::format("inport == {} && eth.src == {} && ip4.src == {{{}}} && ip4.dst == {{{}, "
                          "255.255.255.255}} && udp.src == 68 && udp.dst == 67",
                          port.quoted, a.mac, sources, relay->own),
              fmt::format("eth.dst = {}; outport = {}; next;", peer.addresses.mac, to_router.quoted),
              {port.name, ""});
    }
}

}  // namespace weft::northd
