#include "datapath/conntrack/ftp.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "packet/address.h"

namespace weft::datapath::conntrack {

namespace {

constexpr size_t kMostText = 256;

bool starts_with_word(std::string_view text, std::string_view word) {
    if (text.size() < word.size()) return false;
    for (size_t i = 0; i < word.size(); i++) {
        char c = text[i];
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c != word[i]) return false;
    }
    return true;
}

// A decimal number of at most `most`; moves `at` behind it.
std::optional<uint32_t> number(std::string_view text, size_t& at, uint32_t most) {
    size_t start = at;
    uint32_t value = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        value = value * 10 + static_cast<uint32_t>(text[at++] - '0');
        if (value > most) return std::nullopt;
    }
    return at == start ? std::nullopt : std::optional(value);
}

// h1,h2,h3,h4,p1,p2
std::optional<FtpMention> six_numbers(std::string_view text, size_t at) {
    FtpMention out;
    out.at = at;
    std::array<uint8_t, 6> bytes{};
    for (size_t i = 0; i < bytes.size(); i++) {
        if (i && (at >= text.size() || text[at++] != ',')) return std::nullopt;
        auto value = number(text, at, 255);
        if (!value) return std::nullopt;
        bytes[i] = static_cast<uint8_t>(*value);
    }
    out.size = at - out.at;
    out.address.emplace();
    std::memcpy(out.address->data(), bytes.data(), 4);
    out.port = static_cast<uint16_t>(bytes[4] << 8 | bytes[5]);
    return out;
}

// <d>FAMILY<d>ADDRESS<d>PORT<d>
std::optional<FtpMention> extended(std::string_view text, size_t at, bool v6) {
    FtpMention out;
    out.form = FtpMention::Form::kExtended;
    out.at = at;
    if (at >= text.size() || text[at] < 33 || text[at] > 126) return std::nullopt;
    char d = out.delimiter = text[at++];
    auto family = number(text, at, 2);
    if (!family || *family != (v6 ? 2u : 1u) || at >= text.size() || text[at++] != d) return std::nullopt;
    size_t end = text.find(d, at);
    if (end == std::string_view::npos || end - at > 45) return std::nullopt;
    std::string address(text.substr(at, end - at));
    out.address.emplace();
    if (v6) {
        auto parsed = packet::parse_ipv6(address);
        if (!parsed) return std::nullopt;
        *out.address = *parsed;
    } else {
        auto parsed = packet::parse_ipv4(address);
        if (!parsed) return std::nullopt;
        store_be32(out.address->data(), *parsed);
    }
    at = end + 1;
    auto port = number(text, at, 65535);
    if (!port || at >= text.size() || text[at] != d) return std::nullopt;
    out.port = static_cast<uint16_t>(*port);
    out.size = at + 1 - out.at;
    return out;
}

// <d><d><d>PORT<d>
std::optional<FtpMention> port_only(std::string_view text, size_t at) {
    FtpMention out;
    out.form = FtpMention::Form::kPortOnly;
    out.at = at;
    if (at >= text.size() || text[at] < 33 || text[at] > 126) return std::nullopt;
    char d = out.delimiter = text[at];
    for (int i = 0; i < 3; i++) {
        if (at >= text.size() || text[at++] != d) return std::nullopt;
    }
    auto port = number(text, at, 65535);
    if (!port || at >= text.size() || text[at] != d) return std::nullopt;
    out.port = static_cast<uint16_t>(*port);
    out.size = at + 1 - out.at;
    return out;
}

size_t after_blanks(std::string_view text, size_t at) {
    while (at < text.size() && text[at] == ' ') at++;
    return at;
}

}  // namespace

std::optional<FtpMention> find_ftp_mention(std::string_view payload, bool command, bool v6) {
    payload = payload.substr(0, kMostText);
    if (payload.find('\n') == std::string_view::npos) return std::nullopt;
    std::optional<FtpMention> out;
    if (command) {
        if (starts_with_word(payload, "PORT ") && !v6) out = six_numbers(payload, after_blanks(payload, 5));
        if (starts_with_word(payload, "EPRT ")) out = extended(payload, after_blanks(payload, 5), v6);
    } else if (payload.starts_with("227 ") && !v6) {
        // With or without parentheses (RFC 1123 section 4.1.2.6): from the first digit on.
        size_t at = payload.find_first_of("0123456789", 4);
        if (at != std::string_view::npos) out = six_numbers(payload, at);
    } else if (payload.starts_with("229 ")) {
        size_t at = payload.find('(');
        if (at != std::string_view::npos) out = port_only(payload, at + 1);
    }
    if (out && !out->port) return std::nullopt;
    return out;
}

std::string ftp_mention_text(const FtpMention& mention, const packet::Ipv6Addr& address, uint16_t port,
                             bool v6) {
    char d = mention.delimiter;
    switch (mention.form) {
        case FtpMention::Form::kNumbers:
            return fmt::format("{},{},{},{},{},{}", address[0], address[1], address[2], address[3], port >> 8,
                               port & 255);
        case FtpMention::Form::kExtended:
            return fmt::format(
                "{}{}{}{}{}{}{}", d, v6 ? 2 : 1, d,
                v6 ? packet::to_string(address) : packet::ipv4_to_string(load_be32(address.data())), d, port,
                d);
        case FtpMention::Form::kPortOnly:
            return fmt::format("{}{}{}{}{}", d, d, d, port, d);
    }
    return "";
}

}  // namespace weft::datapath::conntrack
