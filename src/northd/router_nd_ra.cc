// IPv6 router advertisements: in answer to solicitations, and the options of Port_Binding by which the
// controller sends periodic ones.

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_int;
using ovsdb::get_string;

void router_advertisement_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInNdRaOptions, 0, "1", "next;");
    f.add(Stage::kRouterInNdRaResponse, 0, "1", "next;");
}

void periodic_advertisement_options(const RouterPort& port, ovsdb::StringMap& options) {
    const ovsdb::StringMap& config = port.ra_configs;
    std::string_view mode = get_string(config, "address_mode");
    bool valid = mode == "slaac" || mode == "dhcpv6_stateful" || mode == "dhcpv6_stateless";
    if (!get_bool(config, "send_periodic") || !valid) return;
    auto set = [&](const char* key, std::string value) {
        if (!value.empty()) options.set(std::string("ipv6_ra_") + key, std::move(value));
    };
    // RFC 4861, 6.2.1, in seconds.
    int64_t max = std::clamp<int64_t>(get_int(config, "max_interval", 600), 4, 1800);
    int64_t min =
        std::clamp<int64_t>(get_int(config, "min_interval", max >= 9 ? max / 3 : max), 3, max * 3 / 4);
    set("send_periodic", "true");
    set("address_mode", std::string(mode));
    set("max_interval", std::to_string(max));
    set("min_interval", std::to_string(min));
    if (int64_t mtu = get_int(config, "mtu"); mtu >= 1280) set("mtu", std::to_string(mtu));
    std::string prefixes;
    for (const Ip6Net& ip : port.addresses.ip6) {
        if (ip.is_link_local()) continue;
        prefixes += (prefixes.empty() ? "" : " ") + ip.network_text();
    }
    options.set("ipv6_ra_prefixes", prefixes);
    std::string_view preference = get_string(config, "router_preference");
    set("prf", preference == "HIGH" || preference == "LOW" ? std::string(preference) : "MEDIUM");
    for (const char* key : {"rdnss", "dnssl", "route_info"}) set(key, std::string(get_string(config, key)));
    set("src_eth", port.addresses.mac);
    set("src_addr", port.addresses.ip6.back().address);
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
    std::string_view servers = get_string(port.ra_configs, "rdnss");
    if (!servers.empty()) options += fmt::format(", rdnss = {}", servers);
    std::string_view domains = get_string(port.ra_configs, "dnssl");
    if (!domains.empty()) options += fmt::format(", dnssl = \"{}\"", domains);
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
