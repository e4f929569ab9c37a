// What an FTP control connection says about data connections (RFC 959, RFC 2428): where it says so, and the
// same said of another address.  Pure: payloads in, places out.
//
//   PORT 10,0,0,1,4,1            the client waits at 10.0.0.1:1025          227 … (10,0,0,2,4,1)    the
//   server waits EPRT |1|10.0.0.1|1025|                                                  229 … (|||1025|)
//
// Only the beginning of a segment is read: a command or reply that does not begin there, or does not end in
// it, is not seen, and its data connection is not expected.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packet/flow.h"

namespace weft::datapath::conntrack {

struct FtpMention {
    enum class Form : uint8_t { kNumbers, kExtended, kPortOnly };  // PORT and 227, EPRT, 229
    Form form = Form::kNumbers;
    size_t at = 0, size = 0;                  // of the text to replace, in the payload
    std::optional<packet::Ipv6Addr> address;  // IPv4 in the first 4 bytes; none: the sender's own
    uint16_t port = 0;
    char delimiter = '|';  // kExtended, kPortOnly
};
// `command`: the payload is the client's, else the server's.  `v6`: the control connection's family; a
// mention of the other is none.
std::optional<FtpMention> find_ftp_mention(std::string_view payload, bool command, bool v6);

// The text at [at, at + size) that names `address` and `port` in the mention's form.
std::string ftp_mention_text(const FtpMention& mention, const packet::Ipv6Addr& address, uint16_t port,
                             bool v6);

}  // namespace weft::datapath::conntrack
