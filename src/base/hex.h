// Hexadecimal digits.

#pragma once

#include <array>
#include <cstdint>

namespace weft {

inline constexpr uint8_t kNoHexDigit = 0xff;

namespace detail {
inline constexpr std::array<uint8_t, 256> kHexValues = [] {
    std::array<uint8_t, 256> values{};
    values.fill(kNoHexDigit);
    for (uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
    for (uint8_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<uint8_t>(10 + i);
    return values;
}();
}  // namespace detail

// The value of a digit of either case, or kNoHexDigit.  Of several digits, none is wrong if all their values
// together (|) are below 16.
constexpr uint8_t hex_value(char c) {
    return detail::kHexValues[static_cast<uint8_t>(c)];
}

}  // namespace weft
