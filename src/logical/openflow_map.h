// The tables and fields of the integration bridge that logical actions use (ovn-architecture(7),
// "Architectural Physical Life Cycle of a Packet").  Operators read these numbers in `ovs-ofctl dump-flows
// br-int`: they do not move.

#pragma once

#include <cstdint>

#include "logical/expr.h"
#include "openflow/field.h"

namespace weft::logical {

inline constexpr uint8_t kLogicalTables = 29;  // of the ingress pipeline: 8 to 36; egress has 42 to 62

inline constexpr uint8_t kIngressTable = 8;
inline constexpr uint8_t kOutputTable = 37;  // where output goes from ingress
inline constexpr uint8_t kEgressTable = 42;
inline constexpr uint8_t kSaveInportTable = 64;  // where output goes from egress
inline constexpr uint8_t kMacBindingTable = 66;
inline constexpr uint8_t kMacLookupTable = 67;
inline constexpr uint8_t kLbHairpinTable = 68;
inline constexpr uint8_t kLbHairpinReplyTable = 69;
inline constexpr uint8_t kSnatToVipTable = 70;
inline constexpr uint8_t kFdbTable = 71;
inline constexpr uint8_t kFdbLookupTable = 72;
inline constexpr uint8_t kInPortSecTable = 73;
inline constexpr uint8_t kOutPortSecTable = 75;
inline constexpr uint8_t kEcmpNextHopMacTable = 76;
inline constexpr uint8_t kEcmpNextHopTable = 77;
inline constexpr uint8_t kLbAffinityTable = 78;

inline constexpr openflow::FieldId kRegFlags = openflow::FieldId::kReg10;
inline constexpr openflow::FieldId kRegDnatZone = openflow::FieldId::kReg11;
inline constexpr openflow::FieldId kRegSnatZone = openflow::FieldId::kReg12;
inline constexpr openflow::FieldId kRegPortZone = openflow::FieldId::kReg13;
inline constexpr openflow::FieldId kRegInport = openflow::FieldId::kReg14;
inline constexpr openflow::FieldId kRegOutport = openflow::FieldId::kReg15;

// The bits that a logical field is, in actions: registers as part of the widest that holds them (reg0 is
// xxreg0[96..127]).
openflow::Subfield to_subfield(const FieldRef& field);

}  // namespace weft::logical
