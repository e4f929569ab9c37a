#include "json/text.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "json/number.h"

namespace weft::json {

namespace {

void append_value(std::string& out, const Value& value, Style style, int depth);

void append_line(std::string& out, int depth) {
    out += '\n';
    out.append(static_cast<size_t>(depth) * 2, ' ');
}

void append_array(std::string& out, const Array& array, Style style, int depth) {
    out += '[';
    bool first = true;
    for (const Value& element : array) {
        if (!first) out += ',';
        first = false;
        if (style == Style::kPretty) append_line(out, depth + 1);
        append_value(out, element, style, depth + 1);
    }
    out += ']';
}

void append_object(std::string& out, const Object& object, Style style, int depth) {
    out += '{';
    bool first = true;
    for (const Member& member : object) {
        if (!first) out += ',';
        first = false;
        if (style == Style::kPretty) append_line(out, depth + 1);
        append_string(out, member.first);
        out += style == Style::kPretty ? ": " : ":";
        append_value(out, member.second, style, depth + 1);
    }
    out += '}';
}

void append_value(std::string& out, const Value& value, Style style, int depth) {
    if (const std::string* text = value.as_string()) {
        append_string(out, *text);
    } else if (const Array* array = value.as_array()) {
        append_array(out, *array, style, depth);
    } else if (const Object* object = value.as_object()) {
        append_object(out, *object, style, depth);
    } else if (const int64_t* integer = value.as_integer()) {
        append_integer(out, *integer);
    } else if (const double* real = value.as_real()) {
        append_real(out, *real);
    } else if (const bool* boolean = value.as_bool()) {
        out += *boolean ? "true" : "false";
    } else {
        out += "null";
    }
}

// What follows the backslash for a byte that must be escaped; 'u' for those without a short form; 0 for the
// others.
char escape_letter(unsigned char c) {
    switch (c) {
        case '"':
            return '"';
        case '\\':
            return '\\';
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        default:
            return c < 0x20 ? 'u' : 0;
    }
}

bool is_escaped(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// The place of the next byte from `at` on that must be escaped, or the size.  Eight bytes at a time: most
// have none.
size_t next_escaped(std::string_view text, size_t at) {
    constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
    // The high bit of the first byte that is less than `n`, which is at most 0x80, and perhaps of some after
    // it.
    auto less = [](uint64_t word, uint64_t n) { return (word - kOnes * n) & ~word & kHigh; };
    for (; at + 8 <= text.size(); at += 8) {
        uint64_t word;
        std::memcpy(&word, text.data() + at, 8);
        if (less(word, 0x20) | less(word ^ kOnes * '"', 1) | less(word ^ kOnes * '\\', 1)) break;
    }
    while (at < text.size() && !is_escaped(text[at])) ++at;
    return at;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
    out += '"';
    size_t plain = 0;  // start of the bytes not yet copied
    for (size_t i = next_escaped(text, 0); i < text.size(); i = next_escaped(text, i + 1)) {
        unsigned char c = static_cast<unsigned char>(text[i]);
        out += text.substr(plain, i - plain);
        plain = i + 1;
        out += '\\';
        out += escape_letter(c);
        if (out.back() == 'u') {
            out += "00";
            out += "01"[c >> 4];
            out += "0123456789abcdef"[c & 15];
        }
    }
    out += text.substr(plain);
    out += '"';
}

void append_integer(std::string& out, int64_t value) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_text(std::string& out, const Value& value) {
    append_value(out, value, Style::kCompact, 0);
}

Value with_sorted_members(const Value& value) {
    if (const Array* array = value.as_array()) {
        Array out;
        out.reserve(array->size());
        for (const Value& element : *array) out.push_back(with_sorted_members(element));
        return out;
    }
    const Object* object = value.as_object();
    if (!object) return value;
    std::vector<const Member*> members;
    for (const Member& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
    Object out;
    for (const Member* member : members) out.add(member->first, with_sorted_members(member->second));
    return out;
}

std::string to_text(const Value& value, Style style) {
    std::string out;
    append_value(out, value, style, 0);
    return out;
}

}  // namespace weft::json
