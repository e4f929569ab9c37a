// The DHCPv4 relay of a router port (RFC 2131, RFC 1542 section 4.1): dhcp_relay_req_chk() and
// dhcp_relay_resp_chk() of a logical flow look at a message and fill in what a relay fills in; where the
// packet goes then, logical flows say.  Nothing is remembered.
//
// Requests: `giaddr` becomes the router port's address, hops are counted.  One that another relay sent, or
// that passed too many, is not relayed.  Answers: only those to our address, of our server.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::controller::dhcpv4 {

struct Relay {  // the parameters of the actions; host order
    uint32_t giaddr = 0;
    uint32_t server = 0;
};
std::optional<Relay> read_relay(ByteView parameters);

// The client's message `request`, as it goes to the server; nullopt if it is not to be relayed.
std::optional<Bytes> relay_request(ByteView request, const Relay& relay);

struct RelayedAnswer {
    packet::EthAddr client{};
    uint32_t address = 0;  // the packet's destination; host order
};
// To whom the server's message `answer` goes, unchanged; nullopt if it is not to be relayed.
std::optional<RelayedAnswer> relay_answer(ByteView answer, const Relay& relay);

}  // namespace weft::controller::dhcpv4
