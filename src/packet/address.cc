#include "packet/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace weft::packet {

std::string to_string(const EthAddr& a) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", a[0], a[1], a[2], a[3], a[4], a[5]);
}

std::string to_string(const Ipv6Addr& address) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
    return text;
}

std::string ipv4_to_string(uint32_t a) {
    return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

std::optional<EthAddr> parse_eth(std::string_view text) {
    EthAddr out;
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
        if (i && (at >= text.size() || text[at++] != ':')) return std::nullopt;
        unsigned value = 0;
        size_t digits = 0;
        for (; digits < 2 && at < text.size(); digits++, at++) {
            char c = text[at];
            unsigned digit;
            if (c >= '0' && c <= '9') {
                digit = static_cast<unsigned>(c - '0');
            } else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
                digit = static_cast<unsigned>((c | 32) - 'a' + 10);
            } else {
                break;
            }
            value = value * 16 + digit;
        }
        if (!digits) return std::nullopt;
        out[i] = static_cast<uint8_t>(value);
    }
    if (at != text.size()) return std::nullopt;
    return out;
}

namespace {

// The text of inet_pton(3), which wants it to end in NUL.
bool parse_inet6(std::string_view text, uint8_t (&out)[16]) {
    char copy[INET6_ADDRSTRLEN + 1];
    if (text.size() >= sizeof copy || text.find('\0') != text.npos) return false;
    std::copy(text.begin(), text.end(), copy);
    copy[text.size()] = 0;
    return inet_pton(AF_INET6, copy, out) == 1;
}

}  // namespace

// As inet_pton(3) has it: four decimal numbers, without leading zeros.
std::optional<uint32_t> parse_ipv4(std::string_view text) {
    uint32_t address = 0;
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i && (at >= text.size() || text[at++] != '.')) return std::nullopt;
        uint32_t byte = 0;
        size_t start = at;
        for (; at < text.size() && at < start + 3 && text[at] >= '0' && text[at] <= '9'; at++)
            byte = byte * 10 + static_cast<uint32_t>(text[at] - '0');
        if (at == start || byte > 255 || (text[start] == '0' && at > start + 1)) return std::nullopt;
        address = address << 8 | byte;
    }
    if (at != text.size()) return std::nullopt;
    return address;
}

std::optional<Ipv6Addr> parse_ipv6(std::string_view text) {
    uint8_t bytes[16];
    if (!parse_inet6(text, bytes)) return std::nullopt;
    Ipv6Addr out;
    std::memcpy(out.data(), bytes, 16);
    return out;
}

Ipv6Addr map_ipv4(uint32_t address) {
    Ipv6Addr out{};
    out[10] = out[11] = 0xff;
    store_be32(&out[12], address);
    return out;
}

std::optional<uint32_t> mapped_ipv4(const Ipv6Addr& address) {
    static constexpr uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(address.data(), kPrefix, sizeof kPrefix) != 0) return std::nullopt;
    return load_be32(&address[12]);
}

}  // namespace weft::packet
