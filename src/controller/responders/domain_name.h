// Domain names on the wire (RFC 1035 section 3.1): labels with their lengths, and a zero.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace weft::controller {

// The most that a name takes, and a label.
inline constexpr size_t kMaxDomainName = 255, kMaxDomainLabel = 63;

// Appends `name` ("a.example.org", a dot at the end is allowed).  False, and nothing appended, if it is none:
// an empty label, one of more than 63 bytes, or more than 255 bytes in all.
bool put_domain_name(std::string_view name, ByteWriter& out);
// Appends the names of a list, separated by commas or spaces; those that are none are left out.
void put_domain_names(std::string_view list, ByteWriter& out);

// Reads a name without compression, in lower case: "a.example.org" ("" is the root).  nullopt, and `in`
// failed, if it is cut, too long or compressed, or has bytes that no text can show.
std::optional<std::string> read_domain_name(ByteReader& in);

}  // namespace weft::controller
