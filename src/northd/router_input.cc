// The router as a host: what it drops, answers and refuses for its own addresses.

#include <fmt/core.h>

#include <algorithm>

#include "northd/features.h"

namespace weft::northd {

constexpr const char* kArpReply =
    "eth.dst = eth.src; eth.src = xreg0[0..47]; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; arp.sha = "
    "xreg0[0..47]; arp.tpa <-> arp.spa; outport = inport; flags.loopback = 1; output;";

void input_of_router(Program&, FlowWriter& f, const Router& r) {
    constexpr Stage in = Stage::kRouterInIpInput;
    f.add(in, 100,
          "ip4.src_mcast ||ip4.src == 255.255.255.255 || ip4.src == 127.0.0.0/8 || ip4.dst == 127.0.0.0/8 || "
          "ip4.src == 0.0.0.0/8 || ip4.dst == 0.0.0.0/8",
          "drop;");
    f.add(in, 85, "arp || nd", "drop;");
    f.add(in, 84, "nd_rs || nd_ra", "next;");
    f.add(in, 83, "ip6.mcast_rsvd", "drop;");
    f.add(in, 82, "ip4.mcast || ip6.mcast", r.mcast_relay ? "next;" : "drop;");
    f.add(in, 50, "eth.bcast", "drop;");
    f.add(in, 32, "ip.ttl == {0, 1} && !ip.later_frag && (ip4.mcast || ip6.mcast)", "drop;");
    f.add(in, 30, "ip.ttl == {0, 1}", "drop;");
    f.add(in, 0, "1", "next;");
}

namespace {

template <typename Address>
std::string address_set(const std::vector<Address>& addresses) {
    if (addresses.size() == 1) return addresses[0].address;
    std::string out;
    for (const Address& a : addresses) out += (out.empty() ? "{" : ", ") + a.address;
    return out + "}";
}

void answer_echo(FlowWriter& f, const RouterPort& port) {
    constexpr Stage in = Stage::kRouterInIpInput;
    if (!port.addresses.ip4.empty()) {
        f.add(in, 90,
              fmt::format("ip4.dst == {} && icmp4.type == 8 && icmp4.code == 0",
                          address_set(port.addresses.ip4)),
              "ip4.dst <-> ip4.src; ip.ttl = 255; icmp4.type = 0; flags.loopback = 1; next; ");
    }
    if (!port.addresses.ip6.empty()) {
        f.add(in, 90,
              fmt::format("ip6.dst == {} && icmp6.type == 128 && icmp6.code == 0",
                          address_set(port.addresses.ip6)),
              "ip6.dst <-> ip6.src; ip.ttl = 255; icmp6.type = 129; flags.loopback = 1; next; ");
    }
}

void answer_neighbors(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    constexpr Stage in = Stage::kRouterInIpInput;
    FlowWriter::More about{port.name, ""};
    for (const Ip4& ip : port.addresses.ip4) {
        std::string match = fmt::format("inport == {} && arp.op == 1 && arp.tpa == {} && arp.spa == {}",
                                        port.quoted, ip.address, ip.network_text());
        // Of a distributed gateway port with a localnet port behind it, one chassis alone answers.
        std::string here;
        if (port.is_distributed_gateway) {
            bool localnet = false;
            for (const Uuid& peer : p.switch_ports_at[port.uuid]) {
                localnet |= p.has_localnet_ports(p.port(peer).switch_uuid);
            }
            if (localnet) here = residence(port.redirect_quoted);
        } else {
            here = redirect_residence(p, port);
        }
        f.add(in, 90, match + here, kArpReply, about);
    }
    std::string meter = copp_meter(p, r.copp, "nd-na");
    for (const Ip6Net& ip : port.addresses.ip6) {
        std::string match =
            fmt::format("inport == {0} && ip6.dst == {{{1}, {2}}} && nd_ns && nd.target == {1}", port.quoted,
                        ip.address, ip.solicited_node());
        if (port.is_distributed_gateway) match += residence(port.redirect_quoted);
        f.add(in, 90, match,
              "nd_na_router { eth.src = xreg0[0..47]; ip6.src = nd.target; nd.tll = xreg0[0..47]; outport = "
              "inport; flags.loopback = 1; output; };",
              {"", meter});
    }
}

// TCP, UDP, SCTP and other packets to the router itself.  Gateway routers leave them to NAT and load
// balancing.
void refuse(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    constexpr Stage in = Stage::kRouterInIpInput;
    if (r.is_gateway() || !p.gateway_port_list(r.uuid).empty()) return;
    std::string reset = copp_meter(p, r.copp, "tcp-reset"), icmp4 = copp_meter(p, r.copp, "icmp4-error"),
                icmp6 = copp_meter(p, r.copp, "icmp6-error");
    auto each = [&](const char* v, const std::string& address, const char* type, const char* port_code,
                    const char* protocol_code, const std::string& meter) {
        std::string to = fmt::format("ip{0} && ip{0}.dst == {1} && !ip.later_frag", v, address);
        std::string turn = fmt::format("eth.dst <-> eth.src; ip{0}.dst <-> ip{0}.src;", v);
        f.add(in, 80, to + " && tcp", fmt::format("tcp_reset {{{} next; }};", turn), {"", reset});
        f.add(in, 80, to + " && sctp", fmt::format("sctp_abort {{{} next; }};", turn), {"", reset});
        f.add(in, 80, to + " && udp",
              fmt::format("icmp{0} {{{1} ip.ttl = 255; icmp{0}.type = {2}; icmp{0}.code = {3}; next; }};", v,
                          turn, type, port_code),
              {"", meter});
        f.add(in, 70, to,
              fmt::format("icmp{0} {{{1} ip.ttl = 255; icmp{0}.type = {2}; icmp{0}.code = {3}; next; }};", v,
                          turn, type, protocol_code),
              {"", meter});
    };
    for (const Ip4& ip : port.addresses.ip4) each("4", ip.address, "3", "3", "2", icmp4);
    for (const Ip6Net& ip : port.addresses.ip6) each("6", ip.address, "1", "4", "3", icmp6);
}

void ttl_exceeded(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    constexpr Stage in = Stage::kRouterInIpInput;
    for (const Ip6Net& ip : port.addresses.ip6) {
        if (ip.is_link_local()) continue;
        std::string turn = port.is_distributed_gateway
                               ? "ip6.dst <-> ip6.src "
                               : fmt::format("ip6.dst = ip6.src; ip6.src = {} ", ip.address);
        f.add(
            in, 31,
            fmt::format("inport == {} && ip6 && ip6.src == {} && ip.ttl == {{0, 1}} && !ip.later_frag",
                        port.quoted, ip.network_text()),
            fmt::format("icmp6 {{eth.dst <-> eth.src; {}; ip.ttl = 254; icmp6.type = 3; /* Time exceeded */ "
                        "icmp6.code = 0; /* TTL exceeded in transit */ outport = {}; flags.loopback = 1; "
                        "output; }};",
                        turn, port.quoted),
            {port.name, copp_meter(p, r.copp, "icmp6-error")});
    }
    for (const Ip4& ip : port.addresses.ip4) {
        std::string turn = port.is_distributed_gateway
                               ? "ip4.dst <-> ip4.src "
                               : fmt::format("ip4.dst = ip4.src; ip4.src = {} ", ip.address);
        f.add(in, 31, fmt::format("inport == {} && ip4 && ip.ttl == {{0, 1}} && !ip.later_frag", port.quoted),
              fmt::format(
                  "icmp4 {{eth.dst <-> eth.src; icmp4.type = 11; /* Time exceeded */ icmp4.code = 0; /* "
                  "TTL exceeded in transit */ {}; ip.ttl = 254; outport = {}; flags.loopback = 1; output; "
                  "}};",
                  turn, port.quoted),
              {port.name, copp_meter(p, r.copp, "icmp4-error")});
    }
}

// What remains of the traffic to the router's addresses, but for those that are used for SNAT or load
// balancing: there the connection tracker decides, and what it leaves is dropped before it is sent on.
void drop_own(Program& p, FlowWriter& f, const RouterPort& port) {
    // Forced SNAT to the router's own addresses: packets to them are for the connection tracker.
    bool all_used = p.router(port.router).lb_force_snat_router_ip;
    const RouterState& state = p.router_state(port.router);
    const std::vector<std::string>& vips = p.own_vips(port.uuid);
    auto split_by_use = [&](const char* v, const auto& addresses) {
        std::string plain, used;
        for (const auto& a : addresses) {
            bool special = std::binary_search(state.snat_ips.begin(), state.snat_ips.end(), a.address) ||
                           std::find(vips.begin(), vips.end(), a.address) != vips.end();
            std::string& list = special ? used : plain;
            list += (list.empty() ? "" : ", ") + a.address;
        }
        if (!plain.empty() && !all_used) {
            f.add(Stage::kRouterInIpInput, 60, fmt::format("ip{}.dst == {{{}}}", v, plain), "drop;");
        }
        if (!used.empty()) {
            f.add(Stage::kRouterInArpResolve, 2, fmt::format("ip{}.dst == {{{}}}", v, used), "drop;");
        }
    };
    split_by_use("4", port.addresses.ip4);
    split_by_use("6", port.addresses.ip6);
}

void answer_for_vips(Program& p, FlowWriter& f, const RouterPort& port) {
    const VipKinds& any = p.vip_kinds(port.router);  // in address sets (rows_of_router_vips())
    std::string here = redirect_residence(p, port);
    const int64_t* key = p.in.tunnel_keys.find(port.router);
    if (!key) return;
    FlowWriter::More about{port.name, ""};
    if (any.ip4) {
        f.add(Stage::kRouterInIpInput, 90,
              fmt::format("inport == {} && arp.op == 1 && arp.tpa == $_rtr_lb_{}_ip4{}", port.quoted, *key,
                          here),
              kArpReply, about);
    }
    if (any.ip6) {
        f.add(Stage::kRouterInIpInput, 90,
              fmt::format("inport == {} && nd_ns && nd.target == $_rtr_lb_{}_ip6{}", port.quoted, *key, here),
              "nd_na { eth.src = xreg0[0..47]; ip6.src = nd.target; nd.tll = xreg0[0..47]; outport = inport; "
              "flags.loopback = 1; output; };",
              about);
    }
}

}  // namespace

void input_of_port(Program& p, FlowWriter& f, const Router& r, const RouterPort& port) {
    constexpr Stage in = Stage::kRouterInIpInput;
    std::string own;  // as sources: the router itself and broadcasts
    for (const Ip4& ip : port.addresses.ip4) {
        own += (own.empty() ? "" : ", ") + ip.address;
        if (ip.prefix < 31) own += ", " + ip.broadcast();
    }
    if (!own.empty()) f.add(in, 100, fmt::format("ip4.src == {{{}}} && reg9[0] == 0", own), "drop;");
    for (const Ip6Net& ip : port.addresses.ip6) {
        f.add(in, 100, fmt::format("ip6.dst == {} && udp.src == 547 && udp.dst == 546", ip.address),
              "reg0 = 0; handle_dhcpv6_reply;");
    }
    answer_echo(f, port);
    answer_neighbors(p, f, r, port);
    answer_for_vips(p, f, port);
    refuse(p, f, r, port);
    ttl_exceeded(p, f, r, port);
    drop_own(p, f, port);
}

}  // namespace weft::northd
