// The DHCPv4 server of a logical port (RFC 2131): put_dhcp_opts() of a logical flow names the address to
// offer and the options, so there is nothing to remember: every message is answered from the action alone.
//
//   DISCOVER → OFFER            INFORM → ACK without address, lease, T1, T2 and netmask
//   REQUEST  → ACK, or NAK if the client asks for (option 50, else ciaddr) another address than its own
//
// DECLINE, RELEASE and all that is no request go on unanswered.  Any host of the subnet may see them.
//
// The client's transaction id, flags, addresses, sname and file come back as they came.  A client that states
// a maximal size (option 57) gets no longer message: options that do not fit move to file and sname
// (RFC 2132 section 9.3), and are left out where these are full.
//
// Differences from Debian's answers: docs/decisions/0016-dhcp-answers.md.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace weft::controller::dhcpv4 {

enum class MessageType : uint8_t {
    kDiscover = 1,
    kOffer = 2,
    kRequest = 3,
    kDecline = 4,
    kAck = 5,
    kNak = 6,
    kRelease = 7,
    kInform = 8,
};

struct Answer {
    MessageType type = MessageType::kOffer;
    bool broadcast = false;  // the client cannot receive unicast yet (RFC 2131 section 4.1)
    uint32_t offered = 0;    // host order; where the answer goes unless broadcast
    Bytes message;           // the UDP payload
};

// What a client says, for the log; nullopt if `message` is no request of a client.
struct Summary {
    MessageType type = MessageType::kDiscover;
    uint32_t client = 0;     // ciaddr; host order
    uint32_t requested = 0;  // option 50, else ciaddr
};
std::optional<Summary> summarize(ByteView message);

// The answer to the UDP payload `request`; nullopt if it is none that is to be answered.  `parameters` is
// what the action carries: the address to offer (4 bytes), then options as they are on the wire; of these,
// 253 (next server) fills siaddr too, and of 67 and 254 (boot files) one becomes option 67.
std::optional<Answer> answer(ByteView request, ByteView parameters);

}  // namespace weft::controller::dhcpv4
