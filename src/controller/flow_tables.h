// The OpenFlow tables and fields of the integration bridge, as ovn-architecture(7) "Life of a Packet"
// describes them. They are what operators see in `ovs-ofctl dump-flows br-int`, so they do not move.

#pragma once

#include <cstdint>

#include "openflow/field.h"

namespace weft::controller {

// Tables.
inline constexpr uint8_t kTablePhysicalToLogical = 0;
inline constexpr uint8_t kTableIngress = 8;  // logical ingress table 0
inline constexpr uint8_t kTableOutputLargePacketDetect = 37;
inline constexpr uint8_t kTableOutputLargePacketProcess = 38;
inline constexpr uint8_t kTableRemoteOutput = 39;
inline constexpr uint8_t kTableLocalOutput = 40;
inline constexpr uint8_t kTableCheckLoopback = 41;
inline constexpr uint8_t kTableEgress = 42;  // logical egress table 0
inline constexpr uint8_t kTableSaveInport = 64;
inline constexpr uint8_t kTableLogicalToPhysical = 65;
inline constexpr uint8_t kTableMacBinding = 66;
inline constexpr uint8_t kTableMacLookup = 67;
inline constexpr uint8_t kTableHairpin = 68;
inline constexpr uint8_t kTableHairpinReply = 69;
inline constexpr uint8_t kTableHairpinSnat = 70;
inline constexpr uint8_t kTableGetFdb = 71;
inline constexpr uint8_t kTableLookupFdb = 72;
inline constexpr uint8_t kTableInPortSecurity = 73;
inline constexpr uint8_t kTableInPortSecurityNd = 74;
inline constexpr uint8_t kTableOutPortSecurity = 75;

// Fields.
inline constexpr auto kFieldDatapath = openflow::FieldId::kMetadata;
inline constexpr unsigned kRegFlags = 10;
inline constexpr unsigned kRegDnatZone = 11;
inline constexpr unsigned kRegSnatZone = 12;
inline constexpr unsigned kRegZone = 13;  // and in its upper half the tunnel address (physical_flows.h)
inline constexpr uint16_t kEncapShift = 16, kEncapBits = 16;
inline constexpr unsigned kRegInport = 14;
inline constexpr unsigned kRegOutport = 15;
inline constexpr unsigned kLogicalRegisters = 10;  // reg0…reg9 are the logical flows' own

// Bits of reg10.
inline constexpr unsigned kFlagAllowLoopback = 0;
inline constexpr unsigned kFlagFromRamp = 1;  // came by a tunnel that cannot carry the ingress port
inline constexpr unsigned kFlagLocalOnly = 4;
inline constexpr unsigned kFlagNestedContainer = 5;
inline constexpr unsigned kFlagLookup = 6;  // result of MAC and FDB look-ups
inline constexpr unsigned kFlagFromLocalport = 10;
// The packet was in the egress pipeline before: it may have to go back by the tunnel that it came by.
inline constexpr unsigned kFlagFromEgress = 30;
inline constexpr unsigned kFlagPortSecurity = 12;  // set: the port may not send (or get) this packet

// Logical output port keys from here on are multicast groups.
inline constexpr uint32_t kMulticastKeyMinimum = 0x8000;

}  // namespace weft::controller
