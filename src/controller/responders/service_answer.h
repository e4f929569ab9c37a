// What comes back from a service that is checked (service_monitors.h), read from any bytes that a tenant may
// send: TCP segments that take or refuse a connection (RFC 9293), ICMP errors about a UDP datagram, ICMP
// echoes.
//
// Whether it answers a probe is for who sent that: here is only what the packet says.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::controller {

struct ServiceAnswer {
    enum class Kind : uint8_t {
        kUnreachable,  // ICMP or ICMPv6, about UDP
        kReset,
        kAccepted,  // SYN and ACK
        kEcho,      // an answer to an ICMP echo request, or one that came through
    };
    Kind kind = Kind::kUnreachable;
    // Of the probe that it would answer: from and to where that went (host order).
    bool v6 = false;
    uint32_t src = 0, dst = 0;
    packet::Ipv6Addr ipv6_src{}, ipv6_dst{};
    uint16_t source_port = 0, port = 0;
    uint32_t sequence = 0, acknowledged = 0;  // of TCP
    bool is_request = false;                  // of kEcho: the request itself; source_port: its identifier
};

std::optional<ServiceAnswer> read_service_answer(ByteView frame);

}  // namespace weft::controller
