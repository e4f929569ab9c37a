// The DNS responder.

#include "northd/features.h"

namespace weft::northd {

void dns_of_switch(Program& p, FlowWriter& f, const Switch& sw) {
    f.add(Stage::kSwitchInDnsLookup, 0, "1", "next;");
    f.add(Stage::kSwitchInDnsResponse, 0, "1", "next;");
    if (!sw.has_dns) return;
    f.add(Stage::kSwitchInDnsLookup, 100, "udp.dst == 53", "reg0[4] = dns_lookup(); next;",
          {"", copp_meter(p, sw.copp, "dns")});
    // The actions need IPv4 and IPv6, which makes the matches differ.
    f.add(Stage::kSwitchInDnsResponse, 100, "udp.dst == 53 && reg0[4]",
          "eth.dst <-> eth.src; ip4.src <-> ip4.dst; udp.dst = udp.src; udp.src = 53; outport = inport; "
          "flags.loopback = 1; output;");
    f.add(Stage::kSwitchInDnsResponse, 100, "udp.dst == 53 && reg0[4]",
          "eth.dst <-> eth.src; ip6.src <-> ip6.dst; udp.dst = udp.src; udp.src = 53; outport = inport; "
          "flags.loopback = 1; output;");
}

}  // namespace weft::northd
