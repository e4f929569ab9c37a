// Messages about the switch as a whole and the connection to it: handshake, configuration, tables, roles.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "openflow/error.h"
#include "openflow/field.h"
#include "openflow/messages/packet.h"
#include "openflow/messages/port.h"

namespace weft::openflow {

struct Hello {
    uint32_t versions = 0;  // version_bit() of each
    bool operator==(const Hello&) const = default;
};
struct ErrorMessage {
    ErrorCode code;
    Bytes data;  // of the message complained about, at least its first 64 bytes
    bool operator==(const ErrorMessage&) const = default;
};
struct EchoRequest {
    Bytes data;
    bool operator==(const EchoRequest&) const = default;
};
struct EchoReply {
    Bytes data;
    bool operator==(const EchoReply&) const = default;
};
struct BarrierRequest {
    bool operator==(const BarrierRequest&) const = default;
};
struct BarrierReply {
    bool operator==(const BarrierReply&) const = default;
};
struct FeaturesRequest {
    bool operator==(const FeaturesRequest&) const = default;
};
// FeaturesReply::capabilities.
inline constexpr uint32_t kCapFlowStats = 1 << 0, kCapTableStats = 1 << 1, kCapPortStats = 1 << 2,
                          kCapGroupStats = 1 << 3, kCapIpReasm = 1 << 5, kCapQueueStats = 1 << 6,
                          kCapArpMatchIp = 1 << 7 /* 1.0, 1.1 */, kCapStp = 1 << 3 /* 1.0 */,
                          kCapBundles = 1 << 9 /* 1.4+ */;
struct FeaturesReply {
    uint64_t datapath_id = 0;
    uint32_t buffers = 0;
    uint8_t tables = 0;
    uint8_t auxiliary_id = 0;
    uint32_t capabilities = 0;
    uint32_t actions = 0;     // OpenFlow 1.0: bitmap
    std::vector<Port> ports;  // OpenFlow 1.0–1.2
    bool operator==(const FeaturesReply&) const = default;
};
struct GetConfigRequest {
    bool operator==(const GetConfigRequest&) const = default;
};
// Fragments: 0 normal, 1 drop, 2 reassemble, 3 nx-match; bit 2 invalid TTL to controller (before 1.3).
struct SwitchConfig {
    uint16_t flags = 0, miss_send_len = 128;
    bool operator==(const SwitchConfig&) const = default;
};
struct GetConfigReply : SwitchConfig {
    bool operator==(const GetConfigReply&) const = default;
};
struct SetConfig : SwitchConfig {
    bool operator==(const SetConfig&) const = default;
};
struct DescRequest {
    bool operator==(const DescRequest&) const = default;
};
struct DescReply {
    std::string manufacturer, hardware, software, serial, description;
    bool operator==(const DescReply&) const = default;
};

// Bits of `config` from OpenFlow 1.4 on, and of `eviction_flags`.
inline constexpr uint32_t kTableEviction = 4, kTableVacancy = 8;
inline constexpr uint32_t kEvictAll = 7;  // other, importance, lifetime
struct TableMod {
    uint8_t table = kTableAll;
    uint32_t config = 0;  // 1.1, 1.2: miss behaviour (bits 0, 1); 1.4+: eviction (4), vacancy events (8)
    uint32_t eviction_flags = 0;
    uint8_t vacancy_down = 0, vacancy_up = 0;
    bool operator==(const TableMod&) const = default;
};
struct TableStatsRequest {
    bool operator==(const TableStatsRequest&) const = default;
};
struct TableDescRequest {
    bool operator==(const TableDescRequest&) const = default;
};
struct TableDesc {
    static constexpr uint32_t kNoFlags = ~0u;  // the switch does not tell
    uint8_t table = 0;
    uint32_t config = 0;  // as in TableMod
    uint32_t eviction_flags = kNoFlags;
    uint8_t vacancy_down = 0, vacancy_up = 0, vacancy = 0;  // percent, with vacancy events
    bool operator==(const TableDesc&) const = default;
};
struct TableDescReply {
    std::vector<TableDesc> tables;
    bool more = false;
    bool operator==(const TableDescReply&) const = default;
};

// OFPT_TABLE_STATUS (1.4+): how full a table is passed a mark.
struct TableStatus {
    enum class Reason : uint8_t { kVacancyDown = 3, kVacancyUp = 4 };
    Reason reason = Reason::kVacancyDown;
    TableDesc table;
    bool operator==(const TableStatus&) const = default;
};

inline constexpr size_t kMaxTableName = 31;

// OFPMP_TABLE_FEATURES (1.3+): what each table can do.  Properties for a miss (index 1) and otherwise (0).
struct TableFeatures {
    struct Properties {
        std::vector<uint8_t> next_tables;
        uint32_t instructions = 0;                      // bitmap of OFPIT_*
        uint64_t write_actions = 0, apply_actions = 0;  // bitmap of OFPAT_*
        std::vector<FieldId> write_set_field, apply_set_field;
        bool operator==(const Properties&) const = default;
    };
    uint8_t table = 0;
    bool modify = false;  // 1.5, of a request: this table alone; else all tables are told
    std::string name;
    uint64_t metadata_match = 0, metadata_write = 0;
    uint32_t capabilities = 0, max_entries = 0;
    std::vector<std::pair<FieldId, bool>> match;  // field, maskable
    std::vector<FieldId> wildcards;
    Properties properties[2];
    bool operator==(const TableFeatures&) const = default;
};
struct TableStats {
    uint8_t table = 0;
    std::string name;
    uint32_t max_entries = 0, active = 0, config = 0;
    uint64_t lookups = 0, matched = 0;
    TableFeatures features;  // OpenFlow 1.0 to 1.2, which have no other way to tell (table_abilities.h)
    bool operator==(const TableStats&) const = default;
};
struct TableStatsReply {
    std::vector<TableStats> tables;
    bool more = false;
    bool operator==(const TableStatsReply&) const = default;
};
struct TableFeaturesRequest {
    std::vector<TableFeatures> tables;  // empty: asks
    bool more = false;
    bool operator==(const TableFeaturesRequest&) const = default;
};
struct TableFeaturesReply {
    std::vector<TableFeatures> tables;
    bool more = false;
    bool operator==(const TableFeaturesReply&) const = default;
};

enum class Role : uint32_t { kNoChange = 0, kEqual = 1, kPrimary = 2, kSecondary = 3 };
struct RoleRequest {
    Role role = Role::kNoChange;
    bool has_generation = false;
    uint64_t generation = 0;
    bool nicira = false;  // NXT_ROLE_REQUEST of OpenFlow 1.0
    bool operator==(const RoleRequest&) const = default;
};
struct RoleReply : RoleRequest {
    bool operator==(const RoleReply&) const = default;
};
struct RoleStatus {
    Role role = Role::kNoChange;
    uint8_t reason = 0;  // 0: another asked to be primary, 1: configuration, 2: experimenter
    uint64_t generation = 0;
    bool operator==(const RoleStatus&) const = default;
};

// Which asynchronous messages come: bitmaps of reasons for primary and equal [0] and secondary [1]
// controllers.
struct AsyncConfig {
    uint32_t packet_in[2] = {}, port_status[2] = {}, flow_removed[2] = {};
    uint32_t role_status[2] = {}, table_status[2] = {}, requestforward[2] = {};  // 1.4+
    bool operator==(const AsyncConfig&) const = default;
};
struct GetAsyncRequest {
    bool operator==(const GetAsyncRequest&) const = default;
};
struct GetAsyncReply : AsyncConfig {
    bool operator==(const GetAsyncReply&) const = default;
};
struct SetAsync : AsyncConfig {
    uint32_t present = 0x3f;  // which of the six are given, in the order above
    bool nicira = false;      // NXT_SET_ASYNC_CONFIG
    bool operator==(const SetAsync&) const = default;
};

}  // namespace weft::openflow
