// A packet described by an expression, as ovn-trace(8) and `inject-pkt` take it:
//
//     inport == "lp1" && eth.src == 00:00:00:00:00:01 && ip4 && ip4.dst == 10.0.0.2 && ip.ttl == 64
//
// The fields named have the values given, with what they imply (prerequisites); all others are zero.  An
// expression that leaves a choice (`tcp` of IPv4 or IPv6) is an error, as is one that no packet can meet.

#pragma once

#include <string_view>

#include "logical/expr.h"
#include "packet/flow.h"

namespace weft::logical {

// The flow key: logical fields in their OpenFlow registers (openflow_map.h).
Result<packet::Flow> parse_microflow(std::string_view text, const SymbolTable& symbols, const SetLookup* sets,
                                     const PortLookup& ports);

}  // namespace weft::logical
