#include "logical/lexer.h"

#include <fmt/format.h>

namespace weft::logical {

namespace {

bool is_id_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_id(char c) {
    return is_id_start(c) || is_digit(c);
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

void append_utf8(uint32_t c, std::string& out) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    }
}

// The four hex digits at `text`, or nothing.
bool hex4(std::string_view text, uint32_t& value) {
    if (text.size() < 4) return false;
    value = 0;
    for (char c : text.substr(0, 4)) {
        if (!is_hex(c)) return false;
        value = value << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

char plain_escape(char c) {
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return '\0';
    }
}

}  // namespace

const char* token_name(TokenType type) {
    switch (type) {
        case TokenType::kEnd:
            return "end of input";
        case TokenType::kError:
            return "error";
        case TokenType::kId:
            return "identifier";
        case TokenType::kConstant:
            return "constant";
        case TokenType::kAddressSet:
            return "address set";
        case TokenType::kPortGroup:
            return "port group";
        case TokenType::kLeftParen:
            return "`('";
        case TokenType::kRightParen:
            return "`)'";
        case TokenType::kLeftBrace:
            return "`{'";
        case TokenType::kRightBrace:
            return "`}'";
        case TokenType::kLeftBracket:
            return "`['";
        case TokenType::kRightBracket:
            return "`]'";
        case TokenType::kEqual:
            return "`=='";
        case TokenType::kNotEqual:
            return "`!='";
        case TokenType::kLess:
            return "`<'";
        case TokenType::kLessEqual:
            return "`<='";
        case TokenType::kGreater:
            return "`>'";
        case TokenType::kGreaterEqual:
            return "`>='";
        case TokenType::kNot:
            return "`!'";
        case TokenType::kAnd:
            return "`&&'";
        case TokenType::kOr:
            return "`||'";
        case TokenType::kEllipsis:
            return "`..'";
        case TokenType::kComma:
            return "`,'";
        case TokenType::kSemicolon:
            return "`;'";
        case TokenType::kAssign:
            return "`='";
        case TokenType::kExchange:
            return "`<->'";
        case TokenType::kDecrement:
            return "`--'";
        case TokenType::kColon:
            return "`:'";
        case TokenType::kDash:
            return "`-'";
    }
    return "?";
}

Lexer::Lexer(std::string_view input) : input_(input) {
    scan();
}

void Lexer::next() {
    if (token_.type != TokenType::kEnd && token_.type != TokenType::kError) scan();
}

TokenType Lexer::peek() const {
    Lexer copy(*this);
    copy.next();
    return copy.type();
}

bool Lexer::match(TokenType type) {
    if (token_.type != type) return false;
    next();
    return true;
}

bool Lexer::match_id(std::string_view id) {
    if (token_.type != TokenType::kId || token_.text != id) return false;
    next();
    return true;
}

Result<void> Lexer::expect(TokenType type, const char* what) {
    if (match(type)) return {};
    return syntax_error(fmt::format("expecting {}", what));
}

Error Lexer::syntax_error(std::string_view message) const {
    if (token_.type == TokenType::kError) return Error{token_.text};
    if (token_.type == TokenType::kEnd)
        return Error{fmt::format("Syntax error at end of input {}.", message)};
    return Error{fmt::format("Syntax error at `{}' {}.", lexeme(), message)};
}

void Lexer::fail(std::string why) {
    token_.type = TokenType::kError;
    token_.text = std::move(why);
    at_ = input_.size();
}

void Lexer::skip_space() {
    while (at_ < input_.size()) {
        char c = look();
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++at_;
        } else if (c == '/' && look(1) == '/') {
            while (at_ < input_.size() && look() != '\n') ++at_;
        } else if (c == '/' && look(1) == '*') {
            size_t end = input_.find("*/", at_ + 2);
            if (end == std::string_view::npos) return fail("`/*' without matching `*/'.");
            at_ = end + 2;
        } else {
            return;
        }
    }
}

void Lexer::scan() {
    if (token_.type == TokenType::kConstant) token_.constant = Constant();
    token_.type = TokenType::kEnd;
    token_.text.clear();
    skip_space();
    start_ = at_;
    if (token_.type == TokenType::kError || at_ >= input_.size()) return;
    char c = look();
    if (c == '"') return scan_string();
    if (c == '$') return scan_name(TokenType::kAddressSet);
    if (c == '@') return scan_name(TokenType::kPortGroup);
    if (c == '.' && look(1) == '.') {
        at_ += 2;
        token_.type = TokenType::kEllipsis;
        return;
    }
    // A number, an Ethernet or IPv6 address may begin with letters ("fe80::1", "aa:bb:…") or colons ("::1").
    if (is_digit(c) || (c == ':' && look(1) == ':')) return scan_number();
    if (is_id_start(c)) {
        size_t end = at_;
        while (end < input_.size() && is_hex(input_[end])) ++end;
        bool address = end < input_.size() && input_[end] == ':' && end > at_ && end - at_ <= 4 &&
                       end + 1 < input_.size() && (is_hex(input_[end + 1]) || input_[end + 1] == ':');
        return address ? scan_number() : scan_id();
    }
    scan_operator();
}

void Lexer::scan_id() {
    size_t end = at_;
    while (end < input_.size() && is_id(input_[end])) {
        // "reg0..5" cannot be, but `a..b` ends an identifier at the ellipsis.
        if (input_[end] == '.' && end + 1 < input_.size() && input_[end + 1] == '.') break;
        ++end;
    }
    token_.type = TokenType::kId;
    token_.text = input_.substr(at_, end - at_);
    at_ = end;
}

void Lexer::scan_name(TokenType type) {
    size_t end = at_ + 1;
    // The names of sets derived from zones of templates may have a leading caret or colon-free suffix only.
    while (end < input_.size() && is_id(input_[end])) ++end;
    if (end == at_ + 1) {
        return fail(fmt::format("`{}' must be followed by a valid identifier.", look()));
    }
    token_.type = type;
    token_.text = input_.substr(at_ + 1, end - at_ - 1);
    at_ = end;
}

void Lexer::scan_string() {
    size_t at = at_ + 1;
    std::string text;
    while (at < input_.size() && input_[at] != '"') {
        char c = input_[at];
        if (static_cast<unsigned char>(c) < 0x20)
            return fail("Control characters are not allowed in quoted string.");
        if (c != '\\') {
            text += c;
            ++at;
            continue;
        }
        char escape = at + 1 < input_.size() ? input_[at + 1] : '\0';
        at += 2;
        if (char plain = plain_escape(escape)) {
            text += plain;
            continue;
        }
        uint32_t code = 0, low = 0;
        if (escape != 'u' || !hex4(input_.substr(std::min(at, input_.size())), code)) {
            return fail("bad \\ escape in quoted string.");
        }
        at += 4;
        if (code >= 0xd800 && code < 0xdc00 && at + 6 <= input_.size() && input_.substr(at, 2) == "\\u" &&
            hex4(input_.substr(at + 2), low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
            at += 6;
        }
        append_utf8(code, text);
    }
    if (at >= input_.size()) return fail("Input ends inside quoted string.");
    token_.type = TokenType::kConstant;
    token_.constant = make_string(text);
    at_ = at + 1;
}

void Lexer::scan_number() {
    size_t end = at_;
    bool seen_dot = false, seen_colon = false;
    while (end < input_.size()) {
        char c = input_[end];
        if (c == '.' && end + 1 < input_.size() && input_[end + 1] == '.') break;
        // An IPv4 address ends where ":port" follows.
        if (c == ':' && seen_dot && !seen_colon) break;
        bool mask =
            c == '/' && end + 1 < input_.size() && (is_hex(input_[end + 1]) || input_[end + 1] == ':');
        if (!is_id(c) && c != ':' && !mask) break;
        // "key:" at the end of a number is a separator, not an address.
        if (c == ':' && !(end + 1 < input_.size() && (is_hex(input_[end + 1]) || input_[end + 1] == ':')) &&
            !(end > at_ && input_[end - 1] == ':')) {
            break;
        }
        seen_dot = seen_dot || c == '.';
        seen_colon = seen_colon || c == ':';
        ++end;
    }
    std::string_view text = input_.substr(at_, end - at_);
    std::optional<Constant> constant = parse_integer_constant(text);
    if (!constant) {
        size_t slash = text.find('/');
        if (slash != std::string_view::npos && parse_integer_constant(text.substr(0, slash))) {
            return fail(fmt::format("Value contains unmasked 1-bits or mask is invalid in `{}'.", text));
        }
        return fail(fmt::format("Invalid numeric constant `{}'.", text));
    }
    token_.type = TokenType::kConstant;
    token_.constant = *std::move(constant);
    at_ = end;
}

void Lexer::scan_operator() {
    auto take = [&](size_t size, TokenType type) {
        token_.type = type;
        at_ += size;
    };
    const char second = look(1);
    auto take_with = [&](char wanted, TokenType both, TokenType alone) {
        second == wanted ? take(2, both) : take(1, alone);
    };
    switch (look()) {
        case '<':
            if (second == '-' && look(2) == '>') return take(3, TokenType::kExchange);
            return take_with('=', TokenType::kLessEqual, TokenType::kLess);
        case '>':
            return take_with('=', TokenType::kGreaterEqual, TokenType::kGreater);
        case '=':
            return take_with('=', TokenType::kEqual, TokenType::kAssign);
        case '!':
            return take_with('=', TokenType::kNotEqual, TokenType::kNot);
        case '-':
            return take_with('-', TokenType::kDecrement, TokenType::kDash);
        case '&':
            if (second == '&') return take(2, TokenType::kAnd);
            break;
        case '|':
            if (second == '|') return take(2, TokenType::kOr);
            break;
        case '(':
            return take(1, TokenType::kLeftParen);
        case ')':
            return take(1, TokenType::kRightParen);
        case '{':
            return take(1, TokenType::kLeftBrace);
        case '}':
            return take(1, TokenType::kRightBrace);
        case '[':
            return take(1, TokenType::kLeftBracket);
        case ']':
            return take(1, TokenType::kRightBracket);
        case ',':
            return take(1, TokenType::kComma);
        case ';':
            return take(1, TokenType::kSemicolon);
        case ':':
            return take(1, TokenType::kColon);
        default:
            break;
    }
    if (look() == '&' || look() == '|') {
        return fail(fmt::format("`{0}' is only valid as part of `{0}{0}'.", look()));
    }
    fail(fmt::format("Invalid character `{}' in input.", look()));
}

}  // namespace weft::logical
