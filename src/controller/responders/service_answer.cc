#include "controller/responders/service_answer.h"

#include "packet/extract.h"
#include "packet/icmp.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::controller {

namespace {

using Kind = ServiceAnswer::Kind;

constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint16_t kIcmpv6Unreachable = 1;

// The datagram that an error quotes.
std::optional<ServiceAnswer> read_unreachable(ByteReader in, bool v6) {
    ServiceAnswer answer;
    answer.v6 = v6;
    in.skip(packet::icmp::kHeader);
    if (v6) {
        in.skip(packet::ipv6::kNextHeader);
        uint8_t protocol = in.u8();
        in.skip(1);
        answer.ipv6_src = in.array<16>();
        answer.ipv6_dst = in.array<16>();
        if (protocol != packet::protocol::kUdp) return std::nullopt;
    } else {
        size_t header = (in.u8() & 0xf) * size_t{4};
        in.skip(packet::ipv4::kProtocol - 1);
        uint8_t protocol = in.u8();
        in.skip(2);
        answer.src = in.u32();
        answer.dst = in.u32();
        if (header < packet::ipv4::kHeader || protocol != packet::protocol::kUdp) return std::nullopt;
        in.skip(header - packet::ipv4::kHeader);
    }
    answer.source_port = in.u16();
    answer.port = in.u16();
    if (!in.ok()) return std::nullopt;
    return answer;
}

std::optional<ServiceAnswer> read_segment(ByteReader in, const packet::Flow& flow) {
    ServiceAnswer answer;
    if (flow.tcp_flags & packet::tcp::kRst) {
        answer.kind = Kind::kReset;
    } else if ((flow.tcp_flags & packet::tcp::kSyn) && (flow.tcp_flags & packet::tcp::kAck)) {
        answer.kind = Kind::kAccepted;
    } else {
        return std::nullopt;
    }
    answer.v6 = flow.dl_type == kIpv6;
    answer.src = flow.nw_dst;
    answer.dst = flow.nw_src;
    answer.ipv6_src = flow.ipv6_dst;
    answer.ipv6_dst = flow.ipv6_src;
    answer.source_port = flow.tp_dst;
    answer.port = flow.tp_src;
    in.skip(packet::tcp::kSequence);
    answer.sequence = in.u32();
    answer.acknowledged = in.u32();
    if (!in.ok()) return std::nullopt;
    return answer;
}

constexpr uint16_t kIcmpv6EchoRequest = 128, kIcmpv6EchoReply = 129;

std::optional<ServiceAnswer> read_echo(ByteReader in, const packet::Flow& flow, bool v6) {
    uint16_t request = v6 ? kIcmpv6EchoRequest : packet::icmp::kEchoRequest;
    ServiceAnswer answer;
    answer.kind = Kind::kEcho;
    answer.v6 = v6;
    answer.is_request = flow.tp_src == request;
    answer.src = answer.is_request ? flow.nw_src : flow.nw_dst;
    answer.dst = answer.is_request ? flow.nw_dst : flow.nw_src;
    answer.ipv6_src = answer.is_request ? flow.ipv6_src : flow.ipv6_dst;
    answer.ipv6_dst = answer.is_request ? flow.ipv6_dst : flow.ipv6_src;
    in.skip(4);
    answer.source_port = in.u16();
    answer.sequence = in.u16();
    if (!in.ok()) return std::nullopt;
    return answer;
}

}  // namespace

std::optional<ServiceAnswer> read_service_answer(ByteView frame) {
    packet::Flow flow = packet::zero_flow();
    packet::Layout layout = packet::extract(frame, flow);
    if (!layout.l4 || flow.nw_frag) return std::nullopt;
    bool v6 = flow.dl_type == kIpv6;
    ByteReader transport(frame.subspan(layout.l4));
    if (flow.nw_proto == packet::protocol::kTcp) {
        if (!layout.payload) return std::nullopt;
        return read_segment(transport, flow);
    }
    if (flow.nw_proto != (v6 ? packet::protocol::kIcmpv6 : packet::protocol::kIcmp)) return std::nullopt;
    bool is_echo = v6 ? flow.tp_src == kIcmpv6EchoRequest || flow.tp_src == kIcmpv6EchoReply
                      : flow.tp_src == packet::icmp::kEchoRequest || flow.tp_src == packet::icmp::kEchoReply;
    if (is_echo) return read_echo(transport, flow, v6);
    if (flow.tp_src != (v6 ? kIcmpv6Unreachable : packet::icmp::kUnreachable)) return std::nullopt;
    return read_unreachable(transport, v6);
}

}  // namespace weft::controller
