// The tokens that matches and actions of logical flows share (ovn-sb(5), Logical_Flow).
//
// A Lexer walks over a text it does not own.  What is not a token becomes kError, whose text tells why; a
// lexer stays at an error or at the end.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "logical/constant.h"

namespace weft::logical {

enum class TokenType : uint8_t {
    kEnd,
    kError,       // text: the reason
    kId,          // text: reg0, ip4.src
    kConstant,    // constant: integer or string
    kAddressSet,  // text: the name after $
    kPortGroup,   // text: the name after @
    kLeftParen,
    kRightParen,
    kLeftBrace,
    kRightBrace,
    kLeftBracket,
    kRightBracket,
    kEqual,     // ==
    kNotEqual,  // !=
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kNot,
    kAnd,       // &&
    kOr,        // ||
    kEllipsis,  // ..
    kComma,
    kSemicolon,
    kAssign,     // =
    kExchange,   // <->
    kDecrement,  // --
    kColon,
    kDash,  // between the ports of a range
};

struct Token {
    TokenType type = TokenType::kEnd;
    std::string text;
    Constant constant;
};

class Lexer {
  public:
    explicit Lexer(std::string_view input);

    const Token& token() const { return token_; }
    TokenType type() const { return token_.type; }
    void next();
    // The type of the token after this one.
    TokenType peek() const;
    // Skips the token if it is of this type (and, for kId, has this text).
    bool match(TokenType type);
    bool match_id(std::string_view id);
    // As match(), or an error that says what was expected and what was found.
    Result<void> expect(TokenType type, const char* what);
    // "Syntax error at `token' MESSAGE."
    Error syntax_error(std::string_view message) const;
    // The text of the current token as written.
    std::string_view lexeme() const { return input_.substr(start_, at_ - start_); }

  private:
    void scan();
    void skip_space();
    void scan_id();
    void scan_string();
    void scan_number();
    void scan_name(TokenType type);
    void scan_operator();
    void fail(std::string why);
    char look(size_t ahead = 0) const { return at_ + ahead < input_.size() ? input_[at_ + ahead] : '\0'; }

    std::string_view input_;
    size_t at_ = 0;     // after the current token
    size_t start_ = 0;  // of the current token
    Token token_;
};

const char* token_name(TokenType type);

}  // namespace weft::logical
