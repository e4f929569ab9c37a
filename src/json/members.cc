#include "json/members.h"

#include <fmt/core.h>

#include "json/text.h"

namespace weft::json {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The place after a string's closing quote, from the one after its opening quote; npos if it does not end.
size_t string_end(std::string_view text, size_t place) {
    for (;;) {
        size_t quote = text.find('"', place);
        if (quote == std::string_view::npos) return quote;
        // An odd number of backslashes before it: the quote is a character of the string.
        size_t slashes = 0;
        while (quote - slashes > place && text[quote - slashes - 1] == '\\') ++slashes;
        place = quote + 1;
        if (slashes % 2 == 0) return place;
    }
}

}  // namespace

Error MemberReader::fail(const char* expected) const {
    return Error{fmt::format("byte {}: {} was expected", place_ + 1, expected)};
}

void MemberReader::skip_space() {
    while (place_ < text_.size() && is_space(text_[place_])) ++place_;
}

// With its quotes.
Result<std::string_view> MemberReader::string_token() {
    size_t end = string_end(text_, place_ + 1);
    if (end == std::string_view::npos) return fail("the end of a string");
    std::string_view token = text_.substr(place_, end - place_);
    place_ = end;
    return token;
}

Result<std::string_view> MemberReader::value_token() {
    size_t start = place_;
    char first = at();
    if (first == '"') return string_token();
    if (first != '{' && first != '[') {
        while (place_ < text_.size() && !is_space(at()) && at() != ',' && at() != '}' && at() != ']')
            ++place_;
        if (place_ == start) return fail("a value");
        return text_.substr(start, place_ - start);
    }
    int depth = 0;
    do {
        switch (at()) {
            case '\0':
                if (place_ >= text_.size()) return fail("the end of an array or object");
                ++place_;
                break;
            case '"':
                place_ = string_end(text_, place_ + 1);
                if (place_ == std::string_view::npos) {
                    place_ = text_.size();
                    return fail("the end of a string");
                }
                break;
            case '{':
            case '[':
                ++depth;
                ++place_;
                break;
            case '}':
            case ']':
                --depth;
                ++place_;
                break;
            default:
                ++place_;
        }
    } while (depth);
    return text_.substr(start, place_ - start);
}

Result<bool> MemberReader::next() {
    if (ended_) return false;
    skip_space();
    if (!started_) {
        if (at() != '{') return fail("an object");
        ++place_;
        skip_space();
    }
    bool first = !started_;
    started_ = true;
    if (at() == '}') {
        ++place_;
        skip_space();
        if (place_ < text_.size()) return fail("nothing more after the object");
        ended_ = true;
        return false;
    }
    if (!first) {
        if (at() != ',') return fail("\",\" or \"}\"");
        ++place_;
        skip_space();
    }
    if (at() != '"') return fail("a member's name");
    WEFT_ASSIGN(std::string_view token, string_token());
    std::string_view inside = token.substr(1, token.size() - 2);
    bool plain = true;
    for (unsigned char c : inside) plain = plain && c >= 0x20 && c < 0x7f && c != '\\';
    if (plain) {
        name_ = inside;
    } else {
        WEFT_ASSIGN(Value name, parse(token));
        name_ = *name.as_string();
    }
    skip_space();
    if (at() != ':') return fail("\":\"");
    ++place_;
    skip_space();
    WEFT_ASSIGN(value_, value_token());
    return true;
}

}  // namespace weft::json
