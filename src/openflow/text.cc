#include "openflow/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "base/hex.h"

namespace weft::openflow::text {

int hex_digit(char c) {
    const uint8_t value = hex_value(c);
    return value == kNoHexDigit ? -1 : value;
}

std::optional<uint64_t> parse_u64(std::string_view text) {
    unsigned base = 10;
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text[0] == '0') {
        base = 8;
        text.remove_prefix(1);
    }
    if (text.empty()) return std::nullopt;
    uint64_t value = 0;
    for (char c : text) {
        int digit = hex_digit(c);
        if (digit < 0 || digit >= static_cast<int>(base)) return std::nullopt;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value)) {
            return std::nullopt;
        }
    }
    return value;
}

std::optional<uint64_t> parse_u64_max(std::string_view text, uint64_t max) {
    auto value = parse_u64(text);
    if (value && *value > max) return std::nullopt;
    return value;
}

namespace {

bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The length of `text` up to the parenthesis that closes the one before it; npos if there is none.
size_t closing(std::string_view text) {
    int depth = 1;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '(') depth++;
        if (text[i] == ')' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

}  // namespace

bool next_term(std::string_view& text, Term& term) {
    size_t start = 0;
    while (start < text.size() && is_separator(text[start])) start++;
    text.remove_prefix(start);
    term = {};
    if (text.empty()) return false;

    size_t end = 0;
    while (end < text.size() && !is_separator(text[end]) && text[end] != '=' && text[end] != ':' &&
           text[end] != '(') {
        end++;
    }
    term.key = text.substr(0, end);
    if (end == text.size() || is_separator(text[end])) {
        text.remove_prefix(end);
        return true;
    }
    term.delimiter = text[end];
    text.remove_prefix(end + 1);
    if (term.delimiter == '(') {
        size_t close = closing(text);
        if (close == std::string_view::npos) {
            term.bad_parentheses = true;
            term.value = text;
            text = {};
            return true;
        }
        term.value = text.substr(0, close);
        text.remove_prefix(close + 1);
        return true;
    }
    // A plain value ends at a separator outside parentheses.
    int depth = 0;
    size_t i = 0;
    for (; i < text.size(); i++) {
        char c = text[i];
        if (c == '(') depth++;
        if (c == ')' && depth > 0) depth--;
        if (depth == 0 && is_separator(c)) break;
    }
    term.value = text.substr(0, i);
    text.remove_prefix(i);
    return true;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() &&
           (text.front() == ' ' || text.front() == '\t' || text.front() == '\n' || text.front() == '\r')) {
        text.remove_prefix(1);
    }
    while (!text.empty() &&
           (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    return text;
}

std::optional<packet::EthAddr> parse_mac(std::string_view text) {
    packet::EthAddr address{};
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
        if (i && (at >= text.size() || text[at++] != ':')) return std::nullopt;
        int high = at < text.size() ? hex_digit(text[at]) : -1;
        if (high < 0) return std::nullopt;
        at++;
        int low = at < text.size() ? hex_digit(text[at]) : -1;
        if (low >= 0) at++;
        address[i] = static_cast<uint8_t>(low < 0 ? high : high << 4 | low);
    }
    if (at != text.size()) return std::nullopt;
    return address;
}

std::optional<uint32_t> parse_ipv4(std::string_view text) {
    uint32_t address = 0;
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i && (at >= text.size() || text[at++] != '.')) return std::nullopt;
        size_t start = at;
        unsigned octet = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 3) {
            octet = octet * 10 + static_cast<unsigned>(text[at++] - '0');
        }
        if (at == start || octet > 255) return std::nullopt;
        address = address << 8 | octet;
    }
    if (at != text.size()) return std::nullopt;
    return address;
}

std::optional<packet::Ipv6Addr> parse_ipv6(std::string_view text) {
    char buffer[INET6_ADDRSTRLEN + 1];
    if (text.size() >= sizeof buffer) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = 0;
    packet::Ipv6Addr address;
    if (inet_pton(AF_INET6, buffer, address.data()) != 1) return std::nullopt;
    return address;
}

void format_mac(const packet::EthAddr& a, std::string& out) {
    static const char kDigits[] = "0123456789abcdef";
    char buffer[17];
    for (size_t i = 0; i < 6; i++) {
        buffer[i * 3] = kDigits[a[i] >> 4];
        buffer[i * 3 + 1] = kDigits[a[i] & 15];
        if (i < 5) buffer[i * 3 + 2] = ':';
    }
    out.append(buffer, sizeof buffer);
}

void format_ipv4(uint32_t a, std::string& out) {
    char buffer[15];
    char* at = buffer;
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned octet = a >> shift & 255;
        if (octet >= 100) *at++ = static_cast<char>('0' + octet / 100);
        if (octet >= 10) *at++ = static_cast<char>('0' + octet / 10 % 10);
        *at++ = static_cast<char>('0' + octet % 10);
        if (shift) *at++ = '.';
    }
    out.append(buffer, static_cast<size_t>(at - buffer));
}

void format_ipv6(const packet::Ipv6Addr& address, std::string& out) {
    char buffer[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.data(), buffer, sizeof buffer);
    out += buffer;
}

void format_ipv4_masked(uint32_t address, uint32_t mask, std::string& out) {
    format_ipv4(address, out);
    if (mask == 0xffffffff) return;
    out += '/';
    int length = __builtin_popcount(mask);
    if (length == 0 || mask == ~0u << (32 - length)) {
        append_decimal(out, static_cast<uint64_t>(length));
    } else {
        format_ipv4(mask, out);
    }
}

void format_ipv6_masked(const packet::Ipv6Addr& address, const packet::Ipv6Addr& mask, std::string& out) {
    format_ipv6(address, out);
    unsigned length = 0;
    while (length < 128 && mask[length / 8] & (0x80 >> length % 8)) length++;
    if (length == 128) return;
    bool prefix = true;
    for (unsigned i = length; i < 128; i++) {
        if (mask[i / 8] & (0x80 >> i % 8)) prefix = false;
    }
    out += '/';
    if (prefix) {
        append_decimal(out, length);
    } else {
        format_ipv6(mask, out);
    }
}

void format_mac_masked(const packet::EthAddr& address, const packet::EthAddr& mask, std::string& out) {
    format_mac(address, out);
    if (mask == packet::EthAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) return;
    out += '/';
    format_mac(mask, out);
}

void append_decimal(std::string& out, uint64_t value) {
    fmt::format_int text(value);
    out.append(text.data(), text.size());
}

void append_hex(std::string& out, uint64_t value) {
    if (!value) {
        out += '0';
        return;
    }
    char buffer[18];
    char* at = buffer + sizeof buffer;
    for (; value; value >>= 4) *--at = "0123456789abcdef"[value & 15];
    *--at = 'x';
    *--at = '0';
    out.append(at, static_cast<size_t>(buffer + sizeof buffer - at));
}

}  // namespace weft::openflow::text
