// JSON numbers as OVSDB understands them: a number without a fraction whose magnitude is below 2**63 (and
// -2**63 itself) is an integer, exactly, however it is written (`1.0`, `1e3`); any other number is a real.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"

namespace weft::json {

// Reads the number at the start of `text` and sets `length` to the bytes it takes.  Nothing if it breaks the
// grammar of RFC 8259, section 6, or is too great for a real.
std::optional<Value> read_number(std::string_view text, size_t& length);

// The shortest of 15, 16 or 17 digits that reads back as the same real.  `real` must be finite.
void append_real(std::string& out, double real);

}  // namespace weft::json
