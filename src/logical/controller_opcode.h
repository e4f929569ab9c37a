// What a logical action asks of ovn-controller when it sends a packet there: the first 32 bits (big-endian)
// of the controller action's userdata, followed by 32 zero bits and then what the operation needs (for
// actions with a nested list: that list, encoded as OpenFlow 1.5 actions).  Written by the action encoder,
// read by the controller's packet-in handler.  The numbers are those that Debian's ovn-controller uses, so
// that a dump of flows reads alike.

#pragma once

#include <cstdint>

namespace weft::logical {

enum class ControllerOpcode : uint32_t {
    kArp = 0,     // arp { … }: make an ARP request from the IPv4 packet, then do the nested actions with it
    kPutArp = 1,  // put_arp: learn reg0 is at eth.src on the logical port reg14
    kPutDhcpv4Options = 2,
    kNdNa = 3,   // nd_na { … }
    kPutNd = 4,  // put_nd: xxreg0 instead of reg0
    kPutDhcpv6Options = 5,
    kDnsLookup = 6,
    kLog = 7,
    kPutNdRaOptions = 8,
    kNdNs = 9,         // nd_ns { … }
    kIcmp = 10,        // icmp4 { … }, icmp6 { … }
    kTcpReset = 11,    // tcp_reset { … }
    kNdNaRouter = 12,  // nd_na_router { … }
    kPutIcmp4FragMtu = 13,
    kIcmp4Error = 14,
    kEvent = 15,
    kIgmp = 16,
    kBindVport = 17,
    kHandleServiceCheck = 18,
    kDhcpv6Server = 19,
    kIcmp6Error = 20,
    kPutIcmp6FragMtu = 21,
    kReject = 22,      // reject { … }: tcp_reset, sctp_abort or icmp, whichever fits
    kBfdMessage = 23,  // handle_bfd_msg()
    kSctpAbort = 24,
    kPutFdb = 25,
    kActivation = 26,  // a virtual machine that was awaited announces itself
    kDhcpRelayRequest = 28,
    kDhcpRelayAnswer = 29,
};

}  // namespace weft::logical
