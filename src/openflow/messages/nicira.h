// Nicira's extension messages (vendor 0x2320) that configure a connection or the switch.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "openflow/messages/packet.h"
#include "openflow/tunnel_metadata.h"

namespace weft::openflow {

struct SetFlowFormat {
    uint32_t format = 0;  // 0: OpenFlow 1.0, 2: NXM
    bool operator==(const SetFlowFormat&) const = default;
};
struct FlowModTableId {
    bool set = false;
    bool operator==(const FlowModTableId&) const = default;
};
// NXT_FLOW_AGE: the controller wants to be told ages; they always are.
struct FlowAge {
    bool operator==(const FlowAge&) const = default;
};
struct SetPacketInFormat {
    PacketInFormat format = PacketInFormat::kStandard;
    bool operator==(const SetPacketInFormat&) const = default;
};
struct SetControllerId {
    uint16_t id = 0;
    bool operator==(const SetControllerId&) const = default;
};

struct TlvTableMod {
    enum class Command : uint16_t { kAdd = 0, kDelete = 1, kClear = 2 };
    Command command = Command::kAdd;
    std::vector<TlvMapping> mappings;
    bool operator==(const TlvTableMod&) const = default;
};
struct TlvTableRequest {
    bool operator==(const TlvTableRequest&) const = default;
};
struct TlvTableReply {
    uint32_t max_option_space = 0;  // bytes
    uint16_t max_fields = 0;
    std::vector<TlvMapping> mappings;
    bool operator==(const TlvTableReply&) const = default;
};

struct CtFlushZone {
    uint16_t zone = 0;
    bool operator==(const CtFlushZone&) const = default;
};
// NXT_CT_FLUSH: connections that match one or both tuples, and bits of their mark and labels, of one zone or
// all.
struct CtTuple {
    packet::Ipv6Addr src{}, dst{};  // IPv4: as ::ffff:a.b.c.d
    uint16_t src_port = 0, dst_port = 0;
    uint16_t icmp_id = 0;
    uint8_t icmp_type = 0, icmp_code = 0;
    bool operator==(const CtTuple&) const = default;
};
struct CtMark {
    uint32_t value = 0, mask = UINT32_MAX;
    bool operator==(const CtMark&) const = default;
};
struct CtLabels {
    packet::Be128 value{}, mask{};
    bool operator==(const CtLabels&) const = default;
};
struct CtFlush {
    uint8_t ip_proto = 0;
    uint16_t family = 0;  // AF_INET, AF_INET6 or 0
    std::optional<uint16_t> zone;
    std::optional<CtTuple> original, reply;
    std::optional<CtMark> mark;      // Open vSwitch 3.4 and later
    std::optional<CtLabels> labels;  // likewise
    bool operator==(const CtFlush&) const = default;
};

// NXST_IPFIX_BRIDGE and NXST_IPFIX_FLOW: what exporters have done.
struct IpfixStats {
    uint64_t flows = 0, current_flows = 0, packets = 0, ipv4 = 0, ipv6 = 0;
    uint64_t error_packets = 0, ipv4_errors = 0, ipv6_errors = 0, tx_packets = 0, tx_errors = 0;
    uint32_t collector_set_id = 0;  // of flow-based sampling
    bool operator==(const IpfixStats&) const = default;
};
struct IpfixStatsRequest {
    bool flow = false;
    bool operator==(const IpfixStatsRequest&) const = default;
};
struct IpfixStatsReply {
    bool flow = false;  // else of the bridge, and there is one
    std::vector<IpfixStats> exporters;
    bool more = false;
    bool operator==(const IpfixStatsReply&) const = default;
};

// A vendor message or statistics that are understood to be the vendor's but not decoded further.
struct VendorMessage {
    uint32_t vendor = 0, subtype = 0;
    Bytes data;
    bool operator==(const VendorMessage&) const = default;
};

}  // namespace weft::openflow
