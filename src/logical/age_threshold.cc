#include "logical/age_threshold.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <string>

#include "packet/address.h"

namespace weft::logical {

namespace {

constexpr int kIp4Prefix = 96;  // of ::ffff:0:0/96

std::optional<int64_t> number_of(std::string_view text) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > UINT32_MAX)
        return {};
    return value;
}

std::optional<packet::Ipv6Addr> address_of(std::string_view text) {
    if (auto ip4 = packet::parse_ipv4(text)) return packet::map_ipv4(*ip4);
    return packet::parse_ipv6(text);
}

bool holds(const AgeThreshold::Rule& rule, const packet::Ipv6Addr& address) {
    for (int bit = 0; bit < rule.prefix; bit += 8) {
        auto byte = static_cast<size_t>(bit / 8);
        int left = std::min(8, rule.prefix - bit);
        auto mask = static_cast<uint8_t>(0xff << (8 - left));
        if ((rule.network[byte] ^ address[byte]) & mask) return false;
    }
    return true;
}

// "A", "A/len" or, of IPv4, "A/mask".
bool parse_network(const std::string& text, AgeThreshold::Rule& out) {
    size_t slash = text.find('/');
    auto address = address_of(text.substr(0, slash));
    if (!address) return false;
    bool is_ip4 = packet::mapped_ipv4(*address).has_value();
    out.network = *address;
    out.prefix = 128;
    if (slash == std::string::npos) return true;
    std::string length = text.substr(slash + 1);
    if (auto mask = is_ip4 ? packet::parse_ipv4(length) : std::nullopt) {
        int ones = std::popcount(*mask);
        out.prefix = kIp4Prefix + ones;
        return *mask == (ones ? ~0U << (32 - ones) : 0);
    }
    auto bits = number_of(length);
    if (!bits || *bits > (is_ip4 ? 32 : 128)) return false;
    out.prefix = static_cast<int>(*bits) + (is_ip4 ? kIp4Prefix : 0);
    return true;
}

}  // namespace

std::optional<AgeThreshold> parse_age_threshold(std::string_view text) {
    AgeThreshold out;
    while (!text.empty()) {
        std::string_view word = text.substr(0, text.find_first_of("; "));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (word.empty()) continue;
        size_t colon = word.rfind(':');
        auto seconds = number_of(colon == word.npos ? word : word.substr(colon + 1));
        if (!seconds) return std::nullopt;
        if (colon == word.npos) {
            out.seconds = *seconds;
            continue;
        }
        std::string network(word.substr(0, colon));
        std::erase_if(network, [](char c) { return c == '[' || c == ']'; });  // [fd00::]/64 or [fd00::/64]
        AgeThreshold::Rule rule;
        rule.seconds = *seconds;
        if (!parse_network(network, rule)) return std::nullopt;
        out.rules.push_back(rule);
    }
    std::stable_sort(out.rules.begin(), out.rules.end(),
                     [](const auto& a, const auto& b) { return a.prefix > b.prefix; });
    return out;
}

int64_t AgeThreshold::of(std::string_view ip) const {
    auto address = rules.empty() ? std::nullopt : address_of(ip);
    if (!address) return seconds;
    for (const Rule& rule : rules) {
        if (holds(rule, *address)) return rule.seconds;
    }
    return seconds;
}

int64_t AgeThreshold::shortest() const {
    int64_t out = seconds;
    for (const Rule& rule : rules) {
        if (rule.seconds && (!out || rule.seconds < out)) out = rule.seconds;
    }
    return out;
}

bool AgeThreshold::any() const {
    return shortest() != 0;
}

}  // namespace weft::logical
