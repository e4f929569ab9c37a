// Routing daemons beside a router port (ovn-nb(5), Logical_Router_Port:options:routing-protocol-redirect and
// routing-protocols): packets of BGP (RFC 4271) and BFD (RFC 5881) to the port's addresses go to a port of
// its switch instead, behind which a daemon speaks with the router's addresses, and answers to address
// resolution go to both.  That others ask for those addresses is the router's to answer: what the daemon says
// to it is dropped.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

constexpr uint16_t kRedirect = 100;

std::vector<std::string> matches_of(std::string_view protocol) {
    if (protocol == "BGP") return {"tcp.dst == 179", "tcp.src == 179"};
    if (protocol == "BFD") return {"udp.dst == 3784"};
    return {};
}

void redirect(FlowWriter& f, const std::vector<std::string>& matches, const std::string& family,
              const std::string& address, const std::string& daemon, const std::string& router) {
    for (const std::string& match : matches) {
        f.add(Stage::kSwitchInL2Lkup, kRedirect, fmt::format("{}.dst == {} && {}", family, address, match),
              fmt::format("outport = {}; output;", daemon));
    }
    f.add(Stage::kSwitchInL2Lkup, kRedirect,
          family == "ip4" ? fmt::format("arp.op == 2 && arp.tpa == {}", address)
                          : fmt::format("nd_na && ip6.dst == {}", address),
          fmt::format("clone {{ outport = {}; output; }}; outport = {}; output;", daemon, router));
}

}  // namespace

void routing_protocols_of_port(Program& p, const RouterPort& port) {
    std::string name(ovsdb::get_string(port.options, "routing-protocol-redirect"));
    std::string_view protocols = ovsdb::get_string(port.options, "routing-protocols");
    if (name.empty() || protocols.empty()) return;
    std::vector<std::string> matches;
    for (std::string_view protocol : split(protocols, ", ")) {
        std::vector<std::string> some = matches_of(protocol);
        if (some.empty()) {
            p.complaints.emit(
                fmt::format("Logical_Router_Port {}: options:routing-protocols '{}' is neither BGP nor BFD",
                            port.name, protocol));
        }
        matches.insert(matches.end(), some.begin(), some.end());
    }
    const Uuid* daemon = p.switch_port_named.first(name);
    bool is_beside = false;
    for (const Uuid& here : p.switch_ports_at[port.uuid]) {
        const SwitchPort& to_router = p.port(here);
        if (!daemon || p.port(*daemon).switch_uuid != to_router.switch_uuid) continue;
        is_beside = true;
        FlowWriter f(p.flows, to_router.switch_uuid, port.uuid);
        std::string quoted_daemon = quoted(name);
        for (const Ip4& ip : port.addresses.ip4)
            redirect(f, matches, "ip4", ip.address, quoted_daemon, to_router.quoted);
        for (const Ip6Net& ip : port.addresses.ip6)
            redirect(f, matches, "ip6", ip.address, quoted_daemon, to_router.quoted);
        f.add(Stage::kSwitchInCheckPortSec, 110,
              fmt::format("inport == {} && (arp.op == 2 || nd_na || nd_ra)", quoted_daemon), "drop;");
    }
    if (!is_beside) {
        p.complaints.emit(fmt::format(
            "Logical_Router_Port {}: options:routing-protocol-redirect '{}' is no port of the port's switch",
            port.name, name));
    }
}

}  // namespace weft::northd
