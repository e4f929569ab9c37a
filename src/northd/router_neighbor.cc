// How a router learns neighbours, and asks for those that it does not know.

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

void neighbors_of_router(Program& p, FlowWriter& f, const Router& r) {
    bool always = r.learn_from_arp_request;
    std::string arp_meter = copp_meter(p, r.copp, "arp"), na_meter = copp_meter(p, r.copp, "nd-na"),
                ns_meter = copp_meter(p, r.copp, "nd-ns");
    const char* checked = always ? "" : "reg9[3] = 1; ";
    f.add(Stage::kRouterInLookupNeighbor, 100, "arp.op == 2",
          fmt::format("reg9[2] = lookup_arp(inport, arp.spa, arp.sha); {}next;", checked));
    f.add(Stage::kRouterInLookupNeighbor, 100, "nd_na",
          fmt::format("reg9[2] = lookup_nd(inport, nd.target, nd.tll); {}next;", checked));
    if (!always) {
        f.add(Stage::kRouterInLookupNeighbor, 110, "nd_na && ip6.src == fe80::/10 && ip6.dst == ff00::/8",
              "reg9[2] = lookup_nd(inport, ip6.src, nd.tll); reg9[3] = lookup_nd_ip(inport, ip6.src); next;");
    }
    f.add(Stage::kRouterInLookupNeighbor, 100, "nd_ns",
          fmt::format("reg9[2] = lookup_nd(inport, ip6.src, nd.sll); {}next;",
                      always ? "" : "reg9[3] = lookup_nd_ip(inport, ip6.src); "));
    f.add(Stage::kRouterInLookupNeighbor, 0, "1", "reg9[2] = 1; next;");

    f.add(Stage::kRouterInLearnNeighbor, 100, always ? "reg9[2] == 1" : "reg9[2] == 1 || reg9[3] == 0",
          "next;");
    f.add(Stage::kRouterInLearnNeighbor, 95, "nd_ns && (ip6.src == 0 || nd.sll == 0)", "next;");
    f.add(Stage::kRouterInLearnNeighbor, 95, "nd_na && nd.tll == 0",
          "put_nd(inport, nd.target, eth.src); next;", {"", na_meter});
    f.add(Stage::kRouterInLearnNeighbor, 90, "arp", "put_arp(inport, arp.spa, arp.sha); next;",
          {"", arp_meter});
    f.add(Stage::kRouterInLearnNeighbor, 90, "nd_na", "put_nd(inport, nd.target, nd.tll); next;",
          {"", na_meter});
    f.add(Stage::kRouterInLearnNeighbor, 90, "nd_ns", "put_nd(inport, ip6.src, nd.sll); next;",
          {"", ns_meter});
    f.add(Stage::kRouterInLearnNeighbor, 0, "1", "drop;");

    f.add(Stage::kRouterInArpRequest, 100, "eth.dst == 00:00:00:00:00:00 && ip4",
          "arp { eth.dst = ff:ff:ff:ff:ff:ff; arp.spa = reg1; arp.tpa = reg0; arp.op = 1; output; };",
          {"", copp_meter(p, r.copp, "arp-resolve")});
    f.add(Stage::kRouterInArpRequest, 100, "eth.dst == 00:00:00:00:00:00 && ip6",
          "nd_ns { nd.target = xxreg0; output; };", {"", copp_meter(p, r.copp, "nd-ns-resolve")});
    f.add(Stage::kRouterInArpRequest, 0, "1", "output;");
}

void neighbors_of_port(Program&, FlowWriter& f, const Router& r, const RouterPort& port) {
    for (const Ip4& ip : port.addresses.ip4) {
        std::string from = fmt::format("inport == {} && arp.spa == {}", port.quoted, ip.network_text());
        std::string here = port.is_distributed_gateway ? residence(port.redirect_quoted) : "";
        FlowWriter::More about{port.name, ""};
        if (r.learn_from_arp_request) {
            f.add(Stage::kRouterInLookupNeighbor, 100, from + " && arp.op == 1" + here,
                  "reg9[2] = lookup_arp(inport, arp.spa, arp.sha); next;", about);
            continue;
        }
        f.add(Stage::kRouterInLookupNeighbor, 110,
              fmt::format("{} && arp.tpa == {} && arp.op == 1{}", from, ip.address, here),
              "reg9[2] = lookup_arp(inport, arp.spa, arp.sha); reg9[3] = 1; next;", about);
        f.add(
            Stage::kRouterInLookupNeighbor, 100, from + " && arp.op == 1" + here,
            "reg9[2] = lookup_arp(inport, arp.spa, arp.sha); reg9[3] = lookup_arp_ip(inport, arp.spa); next;",
            about);
    }
}

}  // namespace weft::northd
