// The DHCPv4 and DHCPv6 responders.

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

using ovsdb::get_bool;
using ovsdb::get_string;

void dhcp_of_switch(Program&, FlowWriter& f, const Switch&) {
    f.add(Stage::kSwitchInDhcpOptions, 0, "1", "next;");
    f.add(Stage::kSwitchInDhcpResponse, 0, "1", "next;");
}

namespace {

struct Client {  // one address of a port, asking at `in` (itself, or a localnet port for an external one)
    const SwitchPort& port;
    const std::string& in;
    const PortAddresses& addresses;
    std::string chassis;  // " && is_chassis_resident(…)" or ""
};

// The text of options, but for those that are not sent: `a = b, c = d`.
std::string option_list(const ovsdb::StringMap& options, std::initializer_list<std::string_view> skip) {
    std::string out;
    for (const auto& [key, value] : options) {
        if (std::find(skip.begin(), skip.end(), key) != skip.end()) continue;
        out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", key, value);
    }
    return out;
}

void dhcp4(Program& p, FlowWriter& f, const Client& c, const nb::DHCPOptions& row, const Ip4& ip) {
    auto cidr = parse_ip4(row.cidr);
    if (!cidr || !cidr->contains(ip.value)) return;
    const auto& options = row.options;
    std::string_view server = get_string(options, "server_id"), mac = get_string(options, "server_mac"),
                     lease = get_string(options, "lease_time");
    if (server.empty() || mac.empty() || lease.empty()) {
        p.complaints.emit(fmt::format("DHCP_Options {}: server_id, server_mac and lease_time are required",
                                      row.uuid.to_string()));
        return;
    }
    ovsdb::StringMap sent = options;
    sent.erase(std::string("server_mac"));
    sent.set("netmask", ip4_text(cidr->mask()));
    std::string_view hostname = get_string(c.port.options, "hostname");
    if (!hostname.empty()) sent.set("hostname", fmt::format("\"{}\"", hostname));
    std::string list = option_list(sent, {});
    const Switch& sw = p.switch_(c.port.switch_uuid);
    std::string meter = copp_meter(p, sw.copp, "dhcpv4-opts");
    std::string ask = fmt::format("reg0[3] = put_dhcp_opts(offerip = {}, {}); next;", ip.address, list);
    f.add(Stage::kSwitchInDhcpOptions, 100,
          fmt::format("inport == {} && eth.src == {} && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && "
                      "udp.src == 68 && udp.dst == 67{}",
                      c.in, c.addresses.mac, c.chassis),
          ask, {c.port.name, meter});
    f.add(
        Stage::kSwitchInDhcpOptions, 100,
        fmt::format("inport == {} && eth.src == {} && ip4.src == {} && ip4.dst == {{{}, 255.255.255.255}} && "
                    "udp.src == 68 && udp.dst == 67{}",
                    c.in, c.addresses.mac, ip.address, server, c.chassis),
        ask, {c.port.name, meter});
    f.add(Stage::kSwitchInDhcpResponse, 100,
          fmt::format("inport == {} && eth.src == {} && ip4 && udp.src == 68 && udp.dst == 67 && reg0[3]{}",
                      c.in, c.addresses.mac, c.chassis),
          fmt::format("eth.dst = eth.src; eth.src = {}; ip4.src = {}; udp.src = 67; udp.dst = 68; outport = "
                      "inport; flags.loopback = 1; output;",
                      mac, server),
          {c.port.name, ""});
}

void dhcp6(Program& p, FlowWriter& f, const Client& c, const nb::DHCPOptions& row, const Ip6Net& ip) {
    auto cidr = parse_ip6(row.cidr);
    if (!cidr || !cidr->contains(ip.value)) return;
    auto mac = parse_mac(get_string(row.options, "server_id"));
    if (!mac) {
        p.complaints.emit(
            fmt::format("DHCP_Options {}: server_id, a MAC address, is required", row.uuid.to_string()));
        return;
    }
    Ip6Net server = link_local(*mac);
    bool stateless = get_bool(row.options, "dhcpv6_stateless");
    std::string list = option_list(row.options, {"server_id", "dhcpv6_stateless"});
    std::string action = "reg0[3] = put_dhcpv6_opts(";
    if (!stateless) action += fmt::format("ia_addr = {}, ", ip.address);
    action += fmt::format("server_id = {}{}{}); next;", mac_text(*mac), list.empty() ? "" : ", ", list);
    const Switch& sw = p.switch_(c.port.switch_uuid);
    f.add(Stage::kSwitchInDhcpOptions, 100,
          fmt::format(
              "inport == {} && eth.src == {} && ip6.dst == ff02::1:2 && udp.src == 546 && udp.dst == 547{}",
              c.in, c.addresses.mac, c.chassis),
          action, {c.port.name, copp_meter(p, sw.copp, "dhcpv6-opts")});
    f.add(Stage::kSwitchInDhcpResponse, 100,
          fmt::format(
              "inport == {} && eth.src == {} && ip6.dst == ff02::1:2 && udp.src == 546 && udp.dst == 547 "
              "&& reg0[3]{}",
              c.in, c.addresses.mac, c.chassis),
          fmt::format(
              "eth.dst = eth.src; eth.src = {}; ip6.dst = ip6.src; ip6.src = {}; udp.src = 547; udp.dst = "
              "546; outport = inport; flags.loopback = 1; output;",
              mac_text(*mac), server.address),
          {c.port.name, ""});
}

// ACLs do not keep the answers from the port.
void let_answers_in(Program& p, FlowWriter& f, const SwitchPort& port) {
    const SwitchState& state = p.switch_state(port.switch_uuid);
    const char* action = state.has_stateful_acl || state.has_lb_vip ? "ct_commit; next;" : "next;";
    FlowWriter::More about{port.name, ""};
    if (const nb::DHCPOptions* row = port.dhcp4 ? p.in.dhcp_options.get(*port.dhcp4) : nullptr) {
        std::string_view server = get_string(row->options, "server_id"),
                         mac = get_string(row->options, "server_mac");
        if (!server.empty() && !mac.empty() && !get_string(row->options, "lease_time").empty()) {
            f.add(Stage::kSwitchOutAcl, 34000,
                  fmt::format("outport == {} && eth.src == {} && ip4.src == {} && udp && udp.src == 67 && "
                              "udp.dst == 68",
                              port.quoted, mac, server),
                  action, about);
        }
    }
    if (const nb::DHCPOptions* row = port.dhcp6 ? p.in.dhcp_options.get(*port.dhcp6) : nullptr) {
        if (auto mac = parse_mac(get_string(row->options, "server_id"))) {
            f.add(
                Stage::kSwitchOutAcl, 34000,
                fmt::format(
                    "outport == {} && eth.src == {} && ip6.src == {} && udp && udp.src == 547 && udp.dst == "
                    "546",
                    port.quoted, mac_text(*mac), link_local(*mac).address),
                action, about);
        }
    }
}

void dhcp_of_client(Program& p, FlowWriter& f, const Client& c) {
    if (c.port.dhcp4) {
        if (const nb::DHCPOptions* row = p.in.dhcp_options.get(*c.port.dhcp4)) {
            for (const Ip4& ip : c.addresses.ip4) {
                dhcp4(p, f, c, *row, ip);
                break;  // one offer per port
            }
        }
    }
    if (c.port.dhcp6) {
        if (const nb::DHCPOptions* row = p.in.dhcp_options.get(*c.port.dhcp6)) {
            for (const Ip6Net& ip : c.addresses.ip6) {
                dhcp6(p, f, c, *row, ip);
                break;
            }
        }
    }
}

}  // namespace

void dhcp_of_port(Program& p, FlowWriter& f, const SwitchPort& port) {
    if ((!port.dhcp4 && !port.dhcp6) || port.type == PortType::kRouter) return;
    let_answers_in(p, f, port);
    if (!port.enabled) return;
    for (const PortAddresses& a : port.addresses) {
        if (port.type == PortType::kExternal) {
            for (const Uuid& localnet : p.localnet_ports[port.switch_uuid]) {
                dhcp_of_client(p, f, {port, p.port(localnet).quoted, a, residence(port.quoted)});
            }
        } else {
            dhcp_of_client(p, f, {port, port.quoted, a, ""});
        }
    }
}

}  // namespace weft::northd
