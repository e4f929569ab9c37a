// Bit sets with named bits, as fields and messages print them: "+trk-new", "syn|ack", "0".

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::openflow {

struct FlagName {
    uint32_t bit;
    const char* name;
};

std::span<const FlagName> ct_state_flags();
std::span<const FlagName> tcp_flags();
std::span<const FlagName> tunnel_flags();

// "+a-b", "a|b", or "VALUE" / "VALUE/MASK" in numbers.  `all`: the bits that exist.
Result<void> parse_flags(std::span<const FlagName> flags, const char* field, std::string_view text,
                         uint32_t all, uint32_t& value, uint32_t& mask);
// "+a-b" if some bits are not compared, else "a|b".
void format_flags_masked(std::span<const FlagName> flags, uint32_t value, uint32_t mask, uint32_t all,
                         std::string& out);
// "a b c" with any separator; what has no name in hexadecimal; "0" (or `none`) if there are none.
void format_flags(std::span<const FlagName> flags, uint32_t value, const char* separator, const char* none,
                  std::string& out);

}  // namespace weft::openflow
