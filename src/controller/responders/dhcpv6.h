// The DHCPv6 server of a logical port (RFC 8415): put_dhcpv6_opts() of a logical flow names the address to
// assign and the options, so every message is answered from the action alone.
//
//   SOLICIT                                              → ADVERTISE
//   REQUEST, CONFIRM, RENEW, REBIND, DECLINE             → REPLY
//   RELEASE                                              → REPLY without a lease
//   INFORMATION-REQUEST                                  → REPLY, without an address unless it asks for one
//
// A client must say who it is (option 1); unless the action has no address (stateless), it must ask for one
// (IA_NA).  The lease lasts for ever: the address belongs to the port.  So a client hears of another address
// only when it begins again with a lease on disk: CONFIRM of an address that is not the port's is answered by
// NotOnLink (section 18.3.3), and what RENEW and REBIND name beside the port's address gets lifetimes of zero
// (18.3.4).  All else goes on unanswered: other kinds of leases (IA_TA, IA_PD), relayed messages, what is
// cut.
//
// Differences from Debian's answers: docs/decisions/0016-dhcp-answers.md.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace weft::controller::dhcpv6 {

enum class MessageType : uint8_t {
    kSolicit = 1,
    kAdvertise = 2,
    kRequest = 3,
    kConfirm = 4,
    kRenew = 5,
    kRebind = 6,
    kReply = 7,
    kRelease = 8,
    kDecline = 9,
    kInformationRequest = 11,
};

// Options (RFC 8415 section 21; 23 and 24: RFC 3646; 39: RFC 4704; 59: RFC 5970).
inline constexpr uint16_t kClientId = 1, kServerId = 2, kIaNa = 3, kIaAddress = 5, kStatusCode = 13,
                          kUserClass = 15, kDnsServers = 23, kDomainSearch = 24, kIaPd = 25, kIaPrefix = 26,
                          kFqdn = 39, kBootfileUrl = 59, kBootfileAlternative = 254;

// Status codes (section 21.13).
inline constexpr uint16_t kSuccess = 0, kNotOnLink = 4;

struct Answer {
    MessageType type = MessageType::kReply;
    Bytes message;  // the UDP payload
};

// The answer to the UDP payload `request`; nullopt if it is none that is to be answered.  `parameters` is
// what the action carries: options as they are on the wire, but for 5 (the bare address), 2 (the server's
// Ethernet address) and 24 (text).
std::optional<Answer> answer(ByteView request, ByteView parameters);

}  // namespace weft::controller::dhcpv6
