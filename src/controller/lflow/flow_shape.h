// The shape of a logical flow: its text with the constants taken out that fill a place of their own.
//
// northd writes thousands of flows that differ in such constants alone: `outport == "lrp" && reg0 ==
// 10.1.2.3` with `eth.dst = 0a:00:00:01:02:03; next;`.  What has the same shape becomes the same OpenFlow
// match and instructions but for the bytes of these constants (flow_template.h).
//
// A constant is taken out after `==` in a match, also in braces, and after `=` outside of parentheses in
// actions: an address, of a masked one the part before the slash, or a quoted name; and the name of
// is_chassis_resident("…").  All else stays in the shape, so that nothing that decides how a flow is
// translated is lost.  Comments go.

#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/lflow/byte_places.h"

namespace weft::controller {

struct TakenConstant {
    // Also the byte that stands for it in the shape.
    enum class Kind : char { kName = 1, kResident, kIpv4, kEthernet, kIpv6 };
    Kind kind = Kind::kName;
    uint8_t prefix = 0xff;  // of a masked address: the bits that count
    std::string_view name;  // a view of the flow's text
    ValueBytes bytes{};     // of an address
};
using TakenConstants = absl::InlinedVector<TakenConstant, 4>;

// The bytes of a constant in OpenFlow: of a name those of the port's key.
inline size_t size_of(TakenConstant::Kind kind) {
    using Kind = TakenConstant::Kind;
    switch (kind) {
        case Kind::kName:
        case Kind::kIpv4:
            return 4;
        case Kind::kEthernet:
            return 6;
        case Kind::kIpv6:
            return 16;
        case Kind::kResident:
            break;
    }
    return 0;
}

inline constexpr size_t kMostTaken = 8;
inline constexpr char kEndOfMatch = 6;  // in a shape, between match and actions

// Appends the text's shape and its constants.  False if it can have none: it names sets, has escapes, more
// than kMostTaken constants or what is no logical flow.
bool take_match(std::string_view match, std::string& shape, TakenConstants& constants);
bool take_actions(std::string_view actions, std::string& shape, TakenConstants& constants);

}  // namespace weft::controller
