// The 5-tuple of one direction of a connection, with its zone: what connections are found by.
//
// Ports are in host order.  ICMP queries have no ports: `src_port` is the identifier, `dst_port` type and
// code (type << 8 | code), so that request and reply are two tuples that reversed() turns into each other.
// Other protocols than TCP, UDP and ICMP are told apart by addresses and protocol alone, both ports 0 (as
// ovs-vswitchd's userspace datapath does, SCTP included).

#pragma once

#include <cstdint>
#include <optional>

#include "datapath/api/connection_table.h"
#include "packet/flow.h"

namespace weft::datapath::conntrack {

struct Tuple {
    packet::Ipv6Addr src{}, dst{};  // IPv4 in the first 4 bytes, the rest zero
    uint16_t src_port = 0, dst_port = 0;
    uint16_t zone = 0;
    uint8_t protocol = 0;
    uint8_t v6 = 0;
    bool operator==(const Tuple&) const = default;

    bool is_icmp() const { return protocol == 1 || protocol == 58; }
    bool has_ports() const { return protocol == 6 || protocol == 17; }
};
static_assert(sizeof(Tuple) == 40 && std::has_unique_object_representations_v<Tuple>);

// The tuple of the answers; an ICMP reply's type stands for a request's and the other way round.
Tuple reversed(const Tuple& tuple);

// ICMP and ICMPv6 messages that make a connection: the type of the answer to a request (echo, timestamp,
// information: RFC 792; echo: RFC 4443), nullopt if `type` asks for nothing.
std::optional<uint8_t> icmp_reply_type(bool v6, uint8_t type);
// The request that a reply answers.
std::optional<uint8_t> icmp_request_type(bool v6, uint8_t type);
// Messages that report an error about a packet that they quote.
bool icmp_is_error(bool v6, uint8_t type);

// Keyed with random numbers of this process, so that nobody can choose tuples that collide.
struct TupleHash {
    size_t operator()(const Tuple& tuple) const;
};

ConnectionTuple to_api(const Tuple& tuple);

}  // namespace weft::datapath::conntrack
