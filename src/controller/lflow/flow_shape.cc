#include "controller/lflow/flow_shape.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/hex.h"

namespace weft::controller {

namespace {

using Kind = TakenConstant::Kind;

// What the scan stops at; everything else is copied in one piece with what is around it.
constexpr std::array<bool, 256> kStops = [] {
    std::array<bool, 256> stops{};
    for (unsigned c = 0; c < 0x20; ++c) stops[c] = true;
    for (unsigned char c : {'"', '/', '=', '(', ')', '$', '@'}) stops[c] = true;
    return stops;
}();

// Only notations that the lexer reads the same way; what is not one of these stays in the shape.
bool read_ipv4(std::string_view text, std::array<uint8_t, 16>& bytes) {
    size_t at = 0;
    for (unsigned i = 0; i < 4; ++i) {
        if (i && (at >= text.size() || text[at++] != '.')) return false;
        unsigned value = 0;
        const size_t first = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            value = value * 10 + static_cast<unsigned>(text[at] - '0');
            if (value > 255 || (at > first && text[first] == '0')) return false;
        }
        if (at == first) return false;
        bytes[i] = static_cast<uint8_t>(value);
    }
    return at == text.size();
}

bool read_ethernet(std::string_view text, std::array<uint8_t, 16>& bytes) {
    if (text.size() != 17) return false;
    for (size_t i = 0; i < 6; ++i) {
        const uint8_t high = hex_value(text[3 * i]), low = hex_value(text[3 * i + 1]);
        if ((high | low) > 0x0f || (i < 5 && text[3 * i + 2] != ':')) return false;
        bytes[i] = static_cast<uint8_t>(high << 4 | low);
    }
    return true;
}

bool read_ipv6(std::string_view text, std::array<uint8_t, 16>& bytes) {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size() || text.find(':') == std::string_view::npos ||
        text.find('.') != std::string_view::npos || hex_value(text[0]) == kNoHexDigit)
        return false;
    text.copy(copy.data(), text.size());
    return inet_pton(AF_INET6, copy.data(), bytes.data()) == 1;
}

bool read_address(std::string_view text, TakenConstant& constant) {
    if (text.size() < 3) return false;
    if (read_ethernet(text, constant.bytes)) {
        constant.kind = Kind::kEthernet;
    } else if (read_ipv4(text, constant.bytes)) {
        constant.kind = Kind::kIpv4;
    } else if (read_ipv6(text, constant.bytes)) {
        constant.kind = Kind::kIpv6;
    } else {
        return false;
    }
    return true;
}

// No bits behind the first `prefix` ones.
bool fits_prefix(const TakenConstant& constant) {
    for (size_t bit = constant.prefix; bit < 8 * size_of(constant.kind); ++bit) {
        if (constant.bytes[bit / 8] >> (7 - bit % 8) & 1) return false;
    }
    return true;
}

class Scanner {
  public:
    Scanner(std::string_view text, bool is_match, std::string& shape, TakenConstants& constants)
        : text_(text), is_match_(is_match), shape_(shape), constants_(constants) {}

    bool scan();

  private:
    char look(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
    // What was seen but not copied goes into the shape; the scan goes on at `at`.
    void copy_to(size_t end, size_t at) {
        shape_.append(text_, copied_, end - copied_);
        copied_ = at_ = at;
    }
    bool stop(char c);
    bool skip_string();
    bool skip_comment();
    bool take_after(size_t at);
    bool take_name(Kind kind, size_t quote);
    std::optional<size_t> take_address(size_t at);
    void add(const TakenConstant& constant, size_t begin, size_t end);

    std::string_view text_;
    bool is_match_;
    std::string& shape_;
    TakenConstants& constants_;
    size_t at_ = 0, copied_ = 0;
    int parentheses_ = 0;
};

bool Scanner::scan() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (!kStops[static_cast<uint8_t>(c)]) {
            ++at_;
        } else if (!stop(c)) {
            return false;
        }
    }
    copy_to(text_.size(), text_.size());
    return constants_.size() <= kMostTaken;
}

bool Scanner::stop(char c) {
    switch (c) {
        case '"':
            return skip_string();
        case '/':
            if (look(at_ + 1) == '/') return false;
            if (look(at_ + 1) == '*') return skip_comment();
            ++at_;
            return true;
        case '=':
            ++at_;
            if (look(at_) != ' ') return true;
            if (is_match_ ? at_ < 2 || text_[at_ - 2] != '=' : parentheses_ > 0) return true;
            return take_after(at_ + 1);
        case '(':
            ++parentheses_;
            ++at_;
            // A load balancer's own list is in no other flow but its own.
            if (!is_match_ && text_.substr(at_).starts_with("backends=")) return false;
            if (is_match_ && look(at_) == '"' && text_.substr(0, at_).ends_with("is_chassis_resident("))
                return take_name(Kind::kResident, at_);
            return true;
        case ')':
            --parentheses_;
            ++at_;
            return true;
        case '\t':
        case '\n':
        case '\r':
            ++at_;
            return true;
        default:
            return false;
    }
}

bool Scanner::skip_string() {
    const size_t end = text_.find_first_of("\"\\", at_ + 1);
    if (end == std::string_view::npos || text_[end] == '\\') return false;
    at_ = end + 1;
    return true;
}

bool Scanner::skip_comment() {
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return false;
    copy_to(at_, end + 2);
    shape_ += ' ';
    return true;
}

bool Scanner::take_after(size_t at) {
    if (look(at) == '"') return take_name(Kind::kName, at);
    if (look(at) != '{' || !is_match_) {
        take_address(at);
        return true;
    }
    for (++at; const std::optional<size_t> end = take_address(at); at = *end + 2) {
        if (look(*end) != ',' || look(*end + 1) != ' ') break;
    }
    return true;
}

bool Scanner::take_name(Kind kind, size_t quote) {
    const size_t end = text_.find_first_of("\"\\", quote + 1);
    if (end == std::string_view::npos || text_[end] == '\\') return false;
    TakenConstant constant;
    constant.kind = kind;
    constant.name = text_.substr(quote + 1, end - quote - 1);
    add(constant, quote, end + 1);
    return true;
}

// Where the address ends, if there is one.
std::optional<size_t> Scanner::take_address(size_t at) {
    size_t end = at;
    while (hex_value(look(end)) != kNoHexDigit || look(end) == '.' || look(end) == ':') ++end;
    TakenConstant constant;
    if (!read_address(text_.substr(at, end - at), constant)) return std::nullopt;
    size_t after = end;
    if (look(end) == '/') {
        unsigned prefix = 0;
        for (++after; look(after) >= '0' && look(after) <= '9' && prefix < 1000; ++after)
            prefix = prefix * 10 + static_cast<unsigned>(text_[after] - '0');
        if (after == end + 1 || constant.kind == Kind::kEthernet || prefix > 8 * size_of(constant.kind))
            return std::nullopt;
        constant.prefix = static_cast<uint8_t>(prefix);
        if (!fits_prefix(constant)) return std::nullopt;
    }
    if (after < text_.size() && std::string_view(" ;,)}").find(text_[after]) == std::string_view::npos)
        return std::nullopt;
    add(constant, at, end);
    return after;
}

void Scanner::add(const TakenConstant& constant, size_t begin, size_t end) {
    copy_to(begin, end);
    shape_ += static_cast<char>(constant.kind);
    constants_.push_back(constant);
}

}  // namespace

bool take_match(std::string_view match, std::string& shape, TakenConstants& constants) {
    return Scanner(match, true, shape, constants).scan();
}

bool take_actions(std::string_view actions, std::string& shape, TakenConstants& constants) {
    return Scanner(actions, false, shape, constants).scan();
}

}  // namespace weft::controller
