// IGMP (RFC 2236, RFC 3376) and MLD (RFC 2710, RFC 3810) messages, as far as snooping needs them (RFC 4541):
// who wants which group, and where routers are; and the queries that a querier sends.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "packet/compose.h"
#include "packet/packet.h"

namespace weft::controller {

struct MulticastMessage {
    bool query = false;  // a router is behind the port
    struct Membership {
        std::string group;  // address, as text
        bool joins = false;
        bool operator==(const Membership&) const = default;
    };
    std::vector<Membership> memberships;
};

// The message in `frame`; nullopt if it is none, or is cut or has a wrong checksum.  At most as many
// memberships as fit into one frame.
std::optional<MulticastMessage> read_multicast_message(ByteView frame);

// A general query (IGMPv3, MLDv2) that is to be answered within `max_response_s` seconds; the addresses are
// the querier's.
packet::Packet compose_igmp_query(const packet::EthAddr& eth_src, uint32_t ip_src, int64_t max_response_s);
packet::Packet compose_mld_query(const packet::EthAddr& eth_src, const packet::Ipv6Addr& ip_src,
                                 int64_t max_response_s);

}  // namespace weft::controller
