// Gateways: packets too large for what is behind them, and the way to the chassis that has the gateway port.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void gateway_of_router(Program&, FlowWriter& f, const Router&) {
    f.add(Stage::kRouterInChkPktLen, 0, "1", "next;");
    f.add(Stage::kRouterInLargerPkts, 0, "1", "next;");
    f.add(Stage::kRouterInGwRedirect, 0, "1", "next;");
}

// Sizes are those of Ethernet frames, with the VLAN tag that a localnet port of the network beyond adds.
std::string size_check(Program& p, const RouterPort& port) {
    int64_t mtu = ovsdb::get_int(port.options, "gateway_mtu");
    if (mtu <= 0) return "";
    bool tagged = false;
    for (const Uuid& peer : p.switch_ports_at[port.uuid]) {
        for (const Uuid& localnet : p.localnet_ports[p.port(peer).switch_uuid]) {
            tagged |= p.in.switch_ports.get(localnet)->tag_request.has_value();
        }
    }
    constexpr int kEthernet = 14, kVlan = 4;
    return fmt::format("reg9[1] = check_pkt_larger({}); ", mtu + kEthernet + (tagged ? kVlan : 0));
}

namespace {

// A packet that came in by `in` and is too large is answered with an ICMP error that says what would not be.
void too_large(Program& p, FlowWriter& f, const Router& r, Stage stage, const RouterPort& in, int64_t mtu,
               const std::string& out) {
    std::string match = "inport == " + in.quoted;
    if (!out.empty()) match += " && outport == " + out;
    if (!in.addresses.ip4.empty()) {
        f.add(stage, 150, match + " && ip4 && reg9[1] && reg9[0] == 0",
              fmt::format(
                  "icmp4_error {{reg9[0] = 1; reg9[1] = 0; eth.dst = {}; ip4.dst = ip4.src; ip4.src = {}; "
                  "ip.ttl = 255; icmp4.type = 3; /* Destination Unreachable. */ icmp4.code = 4; /* Frag "
                  "Needed and DF was Set. */ icmp4.frag_mtu = {}; next(pipeline=ingress, table=0); }};",
                  in.addresses.mac, in.addresses.ip4[0].address, mtu),
              {in.name, copp_meter(p, r.copp, "icmp4-error")});
    }
    if (!in.addresses.ip6.empty()) {
        f.add(stage, 150, match + " && ip6 && reg9[1] && reg9[0] == 0",
              fmt::format(
                  "icmp6_error {{reg9[0] = 1; reg9[1] = 0; eth.dst = {}; ip6.dst = ip6.src; ip6.src = {}; "
                  "ip.ttl = 255; icmp6.type = 2; /* Packet Too Big. */ icmp6.code = 0; icmp6.frag_mtu = {}; "
                  "next(pipeline=ingress, table=0); }};",
                  in.addresses.mac, in.addresses.ip6[0].address, mtu),
              {in.name, copp_meter(p, r.copp, "icmp6-error")});
    }
}

void limit_size(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    std::string check = size_check(p, port);
    if (check.empty()) return;
    int64_t mtu = ovsdb::get_int(port.options, "gateway_mtu");
    FlowWriter::More about{port.name, ""};
    std::string bypass(ovsdb::get_string(port.options, "gateway_mtu_bypass"));
    if (!bypass.empty()) {
        f.add(Stage::kRouterInChkPktLen, 55, fmt::format("outport == {} && ({})", port.quoted, bypass),
              "next;", about);
    }
    f.add(Stage::kRouterInChkPktLen, 50, "outport == " + port.quoted, check + "next;", about);
    too_large(p, f, r, Stage::kRouterInIpInput, port, mtu, "");
    for (const Uuid& uuid : p.router_ports(r.uuid)) {
        if (uuid == port.uuid) continue;
        too_large(p, f, r, Stage::kRouterInLargerPkts, p.router_port(uuid), mtu, port.quoted);
    }
}

}  // namespace

void gateway_of_port(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    limit_size(p, f, r, port);
    if (!port.is_distributed_gateway) return;
    f.add(Stage::kRouterInGwRedirect, 50, "outport == " + port.quoted,
          fmt::format("outport = {}; next;", port.redirect_quoted), {port.name, ""});
}

}  // namespace weft::northd
