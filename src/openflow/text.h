// Small tools for OpenFlow's text: numbers as strtoull(…, 0) reads them, key=value lists with nested
// parentheses, addresses.  Nothing allocates but the `out` strings.

#pragma once

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/append.h"
#include "packet/flow.h"

namespace weft::openflow::text {

// Decimal, 0x hexadecimal or 0 octal; the whole of `text`; nothing on overflow or other characters.
std::optional<uint64_t> parse_u64(std::string_view text);
std::optional<uint64_t> parse_u64_max(std::string_view text, uint64_t max);

// Takes the next term of "key=value,key(value),key:value key": false at the end.  `delimiter` is what stood
// between key and value: '=', ':', '(' or 0.  Of a parenthesised value the outer parentheses are left out.
struct Term {
    std::string_view key, value;
    char delimiter = 0;
    bool bad_parentheses = false;
};
bool next_term(std::string_view& text, Term& term);

std::string_view trim(std::string_view text);
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); i++) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x = static_cast<char>(x + 32);
        if (y >= 'A' && y <= 'Z') y = static_cast<char>(y + 32);
        if (x != y) return false;
    }
    return true;
}
int hex_digit(char c);  // -1: none

std::optional<packet::EthAddr> parse_mac(std::string_view text);
std::optional<uint32_t> parse_ipv4(std::string_view text);  // host order
std::optional<packet::Ipv6Addr> parse_ipv6(std::string_view text);
void format_mac(const packet::EthAddr& address, std::string& out);
void format_ipv4(uint32_t address, std::string& out);  // host order
void format_ipv6(const packet::Ipv6Addr& address, std::string& out);
// "/24" or "/255.0.255.0"; nothing for an all-ones mask.
void format_ipv4_masked(uint32_t address, uint32_t mask, std::string& out);
void format_ipv6_masked(const packet::Ipv6Addr& address, const packet::Ipv6Addr& mask, std::string& out);
void format_mac_masked(const packet::EthAddr& address, const packet::EthAddr& mask, std::string& out);

using weft::append;  // (out, format, arguments...)
void append_decimal(std::string& out, uint64_t value);
void append_hex(std::string& out, uint64_t value);  // "0x1f"; "0" for 0, as printf's %#x

}  // namespace weft::openflow::text
