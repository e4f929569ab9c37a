// Constants of the logical-flow language (ovn-sb(5), Logical_Flow, "Constants"): an integer of up to 128 bits
// in one of five notations, perhaps with a mask, or a string.
//
// Integers are host numbers; an address is the number its bytes spell in network order.  Text form round
// trips: parse(print(c)) == c.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/u128.h"

namespace weft::logical {

enum class Format : uint8_t { kDecimal, kHex, kIpv4, kIpv6, kEthernet };

struct Constant {
    U128 value = 0;
    U128 mask = 0;  // of what is given: all ones (of the notation's width, 128 for integers) unless masked
    bool masked = false;
    bool is_string = false;
    Format format = Format::kDecimal;
    std::string text;  // of a string, without quotes

    bool operator==(const Constant&) const = default;
};

Constant make_integer(U128 value, Format format = Format::kDecimal);
Constant make_string(std::string_view text);

// "10", "0xa", "10.0.0.1", "10.0.0.0/8", "10.0.0.0/255.0.0.0", "aa:bb:cc:dd:ee:ff/ff:00:00:00:00:00",
// "fe80::/10", "1/1".  Nothing if `text` is not exactly one constant, or if its value has bits outside its
// mask.
std::optional<Constant> parse_integer_constant(std::string_view text);

// As the language prints it: strings quoted, addresses in their notation, contiguous masks as a prefix
// length.
void print_constant(const Constant& constant, std::string& out);
void print_integer(U128 value, Format format, std::string& out);
void print_quoted(std::string_view text, std::string& out);

}  // namespace weft::logical
