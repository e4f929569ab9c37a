// IPv6 router advertisements, in answer to solicitations.  Periodic ones are the controller's, from the
// port's options (rows_port.cc).

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

void router_advertisement_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInNdRaOptions, 0, "1", "next;");
    f.add(Stage::kRouterInNdRaResponse, 0, "1", "next;");
}

void router_advertisement_of_port(Program& p, FlowWriter& f, const RouterPort& port) {
    std::string_view mode = get_string(port.ra_configs, "address_mode");
    if (mode.empty() || port.addresses.ip6.size() < 2) return;
    if (mode != "slaac" && mode != "dhcpv6_stateful" && mode != "dhcpv6_stateless") {
        p.complaints.emit(fmt::format("Logical_Router_Port {}: invalid address_mode '{}' in ipv6_ra_configs",
                                      port.name, mode));
        return;
    }
    bool any = false;
    std::string options = fmt::format("addr_mode = \"{}\", slla = {}", mode, port.addresses.mac);
    if (int64_t mtu = get_int(port.ra_configs, "mtu"); mtu >= 1280) options += fmt::format(", mtu = {}", mtu);
    std::string_view preference = get_string(port.ra_configs, "router_preference");
    if (!preference.empty() && preference != "MEDIUM") {
        options += fmt::format(", router_preference = \"{}\"", preference);
    }
    std::string_view routes = get_string(port.ra_configs, "route_info");
    if (!routes.empty()) options += fmt::format(", route_info = \"{}\"", routes);
    for (const Ip6Net& ip : port.addresses.ip6) {
        if (ip.is_link_local()) continue;
        options += fmt::format(", prefix = {}", ip.network_text());
        any = true;
    }
    if (!any) return;
    const Router& r = p.router(port.router);
    f.add(Stage::kRouterInNdRaOptions, 50,
          fmt::format("inport == {} && ip6.dst == ff02::2 && nd_rs", port.quoted),
          fmt::format("reg0[5] = put_nd_ra_opts({}); next;", options),
          {port.name, copp_meter(p, r.copp, "nd-ra-opts")});
    f.add(Stage::kRouterInNdRaResponse, 50,
          fmt::format("inport == {} && ip6.dst == ff02::2 && nd_ra && reg0[5]", port.quoted),
          fmt::format("eth.dst = eth.src; eth.src = {}; ip6.dst = ip6.src; ip6.src = {}; outport = inport; "
                      "flags.loopback = 1; output;",
                      port.addresses.mac, port.addresses.ip6.back().address),
          {port.name, ""});
}

}  // namespace weft::northd
