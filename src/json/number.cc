#include "json/number.h"

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace weft::json {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A number as written: digits of the significand, scaled by 10**exponent.
struct Decimal {
    bool negative = false;
    bool exact = true;         // false if the significand has more digits than 64 bits hold
    uint64_t significand = 0;  // valid if exact
    int64_t exponent = 0;

    void add_digit(char c, bool fraction) {
        uint64_t digit = static_cast<uint64_t>(c - '0');
        uint64_t next;
        if (__builtin_mul_overflow(significand, uint64_t{10}, &next) ||
            __builtin_add_overflow(next, digit, &next)) {
            exact = false;
        }
        if (exact) significand = next;
        if (fraction) --exponent;
    }

    // The whole number, if it is one that 64 signed bits hold.
    std::optional<int64_t> whole() const {
        if (!exact) return std::nullopt;
        if (significand == 0) return 0;
        uint64_t value = significand;
        for (int64_t e = exponent; e < 0; ++e) {
            if (value % 10) return std::nullopt;
            value /= 10;
        }
        for (int64_t e = exponent; e > 0; --e) {
            if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
        }
        uint64_t limit = uint64_t{1} << 63;
        if (value > (negative ? limit : limit - 1)) return std::nullopt;
        return static_cast<int64_t>(negative ? 0 - value : value);
    }
};

}  // namespace

std::optional<Value> read_number(std::string_view text, size_t& length) {
    Decimal decimal;
    size_t i = 0;
    auto at = [&](size_t where) { return where < text.size() ? text[where] : '\0'; };
    decimal.negative = at(0) == '-';
    i = decimal.negative;
    if (!is_digit(at(i))) return std::nullopt;
    if (at(i) == '0' && is_digit(at(i + 1))) return std::nullopt;
    for (; is_digit(at(i)); ++i) decimal.add_digit(at(i), false);
    if (at(i) == '.') {
        if (!is_digit(at(++i))) return std::nullopt;
        // Trailing zeros of the fraction do not count, so that 1.000000000000000000000 is whole.
        size_t zeros = 0;
        for (; is_digit(at(i)); ++i) {
            if (at(i) == '0') {
                ++zeros;
                continue;
            }
            for (; zeros; --zeros) decimal.add_digit('0', true);
            decimal.add_digit(at(i), true);
        }
    }
    if (at(i) == 'e' || at(i) == 'E') {
        ++i;
        bool negative = at(i) == '-';
        if (at(i) == '-' || at(i) == '+') ++i;
        if (!is_digit(at(i))) return std::nullopt;
        int64_t exponent = 0;
        // Beyond this bound the number is zero or infinite, whatever its digits.
        for (; is_digit(at(i)); ++i) {
            if (exponent < 100000) exponent = exponent * 10 + (at(i) - '0');
        }
        decimal.exponent += negative ? -exponent : exponent;
    }
    length = i;
    if (std::optional<int64_t> whole = decimal.whole()) return Value(*whole);

    double real = std::strtod(std::string(text.substr(0, i)).c_str(), nullptr);
    if (!std::isfinite(real)) return std::nullopt;
    // A significand of many digits, or one that vanishes, can still be a whole number.
    if (real == std::floor(real) && std::fabs(real) < 0x1p63) return Value(static_cast<int64_t>(real));
    return Value(real);
}

void append_real(std::string& out, double real) {
    assert(std::isfinite(real));
    char text[40];
    for (int digits = 15; digits <= 17; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, real);
        if (std::strtod(text, nullptr) == real) break;
    }
    out += text;
}

}  // namespace weft::json
