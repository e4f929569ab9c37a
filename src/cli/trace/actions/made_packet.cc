// Packets that the controller makes from the one at hand: ARP and neighbour discovery, ICMP errors, TCP
// resets and SCTP aborts (RFC 826, 4861, 792, 4443, 9293, 9260).

#include <algorithm>

#include "cli/trace/actions/cases.h"

namespace weft::cli::trace {

namespace {

using logical::ControllerOpcode;

constexpr uint16_t kTypeIpv4 = 0x0800, kTypeArp = 0x0806;
constexpr uint8_t kIcmp = 1, kTcp = 6, kIcmpv6 = 58, kSctp = 132;
constexpr uint8_t kMaxTtl = 255;
constexpr uint16_t kTcpReset = 0x004;
constexpr uint16_t kSolicitation = 135, kAdvertisement = 136;

void make_arp(packet::Flow& packet) {
    packet.dl_type = kTypeArp;
    packet.nw_proto = 1;  // a request
    packet.nw_tos = packet.nw_ttl = packet.nw_frag = 0;
    packet.tp_src = packet.tp_dst = 0;
    packet.tcp_flags = 0;
    packet.arp_sha = packet.dl_src;
    packet.arp_tha = {};
}

// Destination unreachable, host unreachable; of IPv6 administratively prohibited.
void make_icmp(packet::Flow& packet, bool ipv4) {
    packet.nw_proto = ipv4 ? kIcmp : kIcmpv6;
    packet.nw_ttl = kMaxTtl;
    packet.tp_src = ipv4 ? 3 : 1;
    packet.tp_dst = 1;
    packet.tcp_flags = 0;
}

void make_reset(packet::Flow& packet) {
    packet.nw_proto = kTcp;
    packet.nw_ttl = kMaxTtl;
    packet.tcp_flags = kTcpReset;
}

void make_abort(packet::Flow& packet) {
    packet.nw_proto = kSctp;
    packet.nw_ttl = kMaxTtl;
}

void make_discovery(packet::Flow& packet, uint16_t type) {
    packet.nw_proto = kIcmpv6;
    packet.nw_ttl = kMaxTtl;
    packet.tp_src = type;
    packet.tp_dst = 0;
    packet.tcp_flags = 0;
}

void make_advertisement(packet::Flow& packet) {
    std::swap(packet.dl_src, packet.dl_dst);
    packet.ipv6_dst = packet.ipv6_src;
    packet.ipv6_src = packet.nd_target;
    make_discovery(packet, kAdvertisement);
    packet.arp_sha = {};
    packet.arp_tha = packet.dl_src;
}

void make_solicitation(packet::Flow& packet) {
    packet.nd_target = packet.ipv6_dst;
    // The solicited-node multicast group's Ethernet address (RFC 2464 7, RFC 4291 2.7.1).
    packet.dl_dst = {0x33, 0x33, 0xff, packet.ipv6_dst[13], packet.ipv6_dst[14], packet.ipv6_dst[15]};
    make_discovery(packet, kSolicitation);
    packet.arp_sha = packet.dl_src;
    packet.arp_tha = {};
}

// Back to where the packet came from.
const char* make_rejection(packet::Flow& packet) {
    bool ipv4 = packet.dl_type == kTypeIpv4;
    std::swap(packet.dl_src, packet.dl_dst);
    if (ipv4) {
        std::swap(packet.nw_src, packet.nw_dst);
    } else {
        std::swap(packet.ipv6_src, packet.ipv6_dst);
    }
    if (packet.nw_proto == kTcp) return make_reset(packet), "tcp_reset";
    if (packet.nw_proto == kSctp) return make_abort(packet), "sctp_abort";
    return make_icmp(packet, ipv4), ipv4 ? "icmp4" : "icmp6";
}

// The heading that the trace shows.
const char* make(const logical::MadePacket& made, packet::Flow& packet) {
    switch (made.opcode) {
        case ControllerOpcode::kArp:
            return make_arp(packet), "arp";
        case ControllerOpcode::kIcmp:
        case ControllerOpcode::kIcmp4Error:
        case ControllerOpcode::kIcmp6Error: {
            bool ipv4 = packet.dl_type == kTypeIpv4;
            return make_icmp(packet, ipv4), ipv4 ? "icmp4" : "icmp6";
        }
        case ControllerOpcode::kTcpReset:
            return make_reset(packet), "tcp_reset";
        case ControllerOpcode::kSctpAbort:
            return make_abort(packet), "sctp_abort";
        case ControllerOpcode::kReject:
            return make_rejection(packet);
        case ControllerOpcode::kNdNa:
        case ControllerOpcode::kNdNaRouter:
            return make_advertisement(packet), made.name;
        case ControllerOpcode::kNdNs:
            return make_solicitation(packet), "nd_ns";
        default:
            return made.name;
    }
}

}  // namespace

void execute(const logical::MadePacket& made, Run& run) {
    // A reset is not answered with a reset (RFC 9293, 3.5.2).
    bool resets = made.opcode == ControllerOpcode::kTcpReset || made.opcode == ControllerOpcode::kReject;
    if (resets && run.packet.nw_proto == kTcp && (run.packet.tcp_flags & kTcpReset)) return;
    packet::Flow packet = run.packet;
    const char* heading = make(made, packet);
    run.nest(heading, made.nested, packet);
}

}  // namespace weft::cli::trace
