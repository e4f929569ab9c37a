// dns_lookup(): answers queries for the names of the southbound DNS table (RFC 1035, RFC 3596).
//
// Answered is a standard query with one question of class IN for A, AAAA, ANY or PTR whose name has such a
// record: all records of the name, each 3600 s, behind the question.  A name that OVN owns
// (DNS.options:ovn-owned) and that has no such record gets an empty answer.  All else goes on unanswered, for
// a real server to see: unknown names, other types, responses, queries with additional records (EDNS), what
// is malformed.
//
// Differences from Debian's answers: docs/decisions/0017-dns-answers.md.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "packet/flow.h"

namespace weft::controller::dns {

// The records of one name.
struct Records {
    std::vector<uint32_t> ipv4;  // host order
    std::vector<packet::Ipv6Addr> ipv6;
    std::string pointer;  // the name that PTR asks for, or ""
    bool owned = false;
};

// DNS.records' value: addresses separated by commas or spaces, or, if none of it is an address, a name.
Records parse_records(std::string_view text, bool owned);

struct Question {
    std::string name;  // in lower case
    uint16_t type = 0;
    size_t size = 0;  // of the header and the question
};
// The question of the UDP payload `message`; nullopt if it is none that could be answered.
std::optional<Question> read_query(ByteView message);

// The answer to the message that had `question`; nullopt if `records` have none.
std::optional<Bytes> answer(ByteView message, const Question& question, const Records& records);

}  // namespace weft::controller::dns
