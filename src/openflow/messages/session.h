// Messages about the connection itself and about the switch as a whole (OpenFlow 1.5.1
// sections 7.3.1, 7.3.2, 7.3.9, 7.5.1–7.5.3).

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "openflow/error.h"
#include "openflow/messages/port.h"
#include "openflow/tunnel_metadata.h"

namespace weft::openflow {

struct Hello {
    uint32_t versions = 0;  // version_bit()s
};
struct ErrorMessage {
    OfError error = OfError::kNone;  // kNone: one that we have no name for; see code
    ErrorCode code;
    Bytes data;  // the message that caused it, at least its first 64 bytes; a text for hello failures
};
struct Echo {
    bool reply = false;
    Bytes data;
};
struct Barrier {
    bool reply = false;
};
struct FeaturesRequest {};
struct FeaturesReply {
    uint64_t datapath_id = 0;
    uint32_t n_buffers = 0;
    uint8_t n_tables = 0;
    uint8_t auxiliary_id = 0;
    uint32_t capabilities = 0;           // as on the wire of the version
    uint32_t actions = 0;                // OpenFlow 1.0
    std::vector<PortDescription> ports;  // OpenFlow 1.0 to 1.2
};
struct GetConfigRequest {};
// GET_CONFIG_REPLY and SET_CONFIG.
struct SwitchConfig {
    bool reply = false;
    uint16_t flags = 0;  // low two bits: fragments (0 normal, 1 drop, 2 reassemble, 3 nx-match); 4: invalid
                         // TTL to the controller
    uint16_t miss_send_len = 0;
};
// ROLE_REQUEST and ROLE_REPLY; OpenFlow 1.0 and 1.1: Nicira's.
struct Role {
    enum class Kind : uint8_t { kNoChange, kEqual, kPrimary, kSecondary };
    bool reply = false;
    Kind kind = Kind::kNoChange;
    bool have_generation = false;
    uint64_t generation = 0;
};
// Which asynchronous messages a controller wants: bit N of a mask is reason N; [0] as primary or equal, [1]
// as secondary.
struct AsyncConfig {
    enum class Kind : uint8_t { kSet, kGetRequest, kGetReply };
    Kind kind = Kind::kSet;
    std::array<uint32_t, 2> packet_in{}, port_status{}, flow_removed{}, role_status{}, table_status{},
        requestforward{};
};

// Nicira extensions of a connection.
struct SetFlowFormat {
    bool nxm = false;
};
struct SetFlowModTableId {
    bool enabled = false;
};
struct SetPacketInFormat {
    uint32_t format = 0;  // 0: OpenFlow 1.0's, 1: NXT_PACKET_IN, 2: NXT_PACKET_IN2
};
struct SetControllerId {
    uint16_t id = 0;
};

// The table of Geneve options (NXT_TLV_TABLE_*).
struct TlvTableMod {
    enum class Command : uint16_t { kAdd, kDelete, kClear };
    Command command = Command::kAdd;
    std::vector<TlvMapping> mappings;
};
struct TlvTableRequest {};
struct TlvTableReply {
    uint32_t max_option_space = 0;
    uint16_t max_fields = 0;
    std::vector<TlvMapping> mappings;
};
struct CtFlushZone {
    uint16_t zone = 0;
};

}  // namespace weft::openflow
