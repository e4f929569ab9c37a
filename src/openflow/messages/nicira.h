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
// NXT_CT_FLUSH: connections that match one or both tuples, of one zone or all.
struct CtTuple {
    packet::Ipv6Addr src{}, dst{};  // IPv4: as ::ffff:a.b.c.d
    uint16_t src_port = 0, dst_port = 0;
    uint16_t icmp_id = 0;
    uint8_t icmp_type = 0, icmp_code = 0;
    bool operator==(const CtTuple&) const = default;
};
struct CtFlush {
    uint8_t ip_proto = 0;
    uint16_t family = 0;  // AF_INET, AF_INET6 or 0
    std::optional<uint16_t> zone;
    std::optional<CtTuple> original, reply;
    bool operator==(const CtFlush&) const = default;
};

// A vendor message or statistics that are understood to be the vendor's but not decoded further.
struct VendorMessage {
    uint32_t vendor = 0, subtype = 0;
    Bytes data;
    bool operator==(const VendorMessage&) const = default;
};

}  // namespace weft::openflow
