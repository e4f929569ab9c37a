// Whether an expression is true of a packet, and the packet's fields as the language sees them.
//
// A packet is a flow key with logical registers and ports in their OpenFlow registers
// (logical/openflow_map.h).

#pragma once

#include "base/u128.h"
#include "cli/trace/network.h"
#include "logical/expr.h"
#include "openflow/field.h"
#include "packet/flow.h"

namespace weft::cli::trace {

// The number that some bits of a field are.
U128 get_bits(const packet::Flow& packet, const openflow::Subfield& bits);
void set_bits(packet::Flow& packet, const openflow::Subfield& bits, U128 value);
U128 get_field(const packet::Flow& packet, const logical::FieldRef& field);
void set_field(packet::Flow& packet, const logical::FieldRef& field, U128 value);

// The expression is annotated and simplified.  Names of ports are those of `datapath`; nothing equals a name
// that it does not have.  Every port that the network knows counts as resident: where ports are does not
// matter here (ovn-trace(8)).
bool is_true(const logical::Expr& expr, const packet::Flow& packet, const Network& network,
             const Datapath& datapath);

}  // namespace weft::cli::trace
