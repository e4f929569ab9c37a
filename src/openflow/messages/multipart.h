// Requests for descriptions and statistics, and their answers in parts (OpenFlow 1.5.1 section 7.3.5).

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "openflow/messages/flow.h"
#include "openflow/messages/group.h"
#include "openflow/messages/meter.h"
#include "openflow/messages/port.h"

namespace weft::openflow {

struct DescRequest {};
struct SwitchDescription {
    std::string manufacturer, hardware, software, serial_number, datapath;
};
struct TableStatsRequest {};
struct TableStatistics {
    uint8_t table = 0;
    std::string name;          // OpenFlow 1.0 to 1.2
    uint64_t wildcards = 0;    // OpenFlow 1.0
    uint32_t max_entries = 0;  // OpenFlow 1.0 to 1.2
    uint32_t active_count = 0;
    uint64_t lookup_count = 0, matched_count = 0;
};
struct PortStatsRequest {
    uint32_t port = kPortNone;  // all
};
struct QueueStatsRequest {
    uint32_t port = kPortNone, queue = 0xffffffff;
};
struct PortDescRequest {
    uint32_t port = kPortNone;  // OpenFlow 1.5
};
struct GroupStatsRequest {
    uint32_t group_id = kGroupAll;
};
struct GroupDescRequest {
    uint32_t group_id = kGroupAll;  // OpenFlow 1.5
};
struct GroupFeaturesRequest {};
struct MeterStatsRequest {
    uint32_t meter_id = kMeterAll;
};
struct MeterConfigRequest {
    uint32_t meter_id = kMeterAll;
};
struct MeterFeaturesRequest {};
// Table descriptions, OpenFlow 1.4+.
struct TableDescRequest {};
struct TableDescription {
    uint8_t table = 0;
    uint32_t config = 0;
};
// The request asks for all tables (an empty body): changing tables by it is refused.
struct TableFeaturesRequest {};
struct TableFeatures {
    uint8_t table = 0;
    std::string name;
    uint64_t metadata_match = 0, metadata_write = 0;
    uint32_t capabilities = 0, max_entries = 0;
    std::vector<uint8_t> next_tables;  // that goto_table may name
    std::vector<FieldId> match, wildcards, write_setfield;
    uint32_t instructions = 0, actions = 0;  // bits by their types in the version
};

struct MultipartRequest {
    using Body = std::variant<DescRequest, FlowStatsRequest, TableStatsRequest, PortStatsRequest,
                              QueueStatsRequest, PortDescRequest, GroupStatsRequest, GroupDescRequest,
                              GroupFeaturesRequest, MeterStatsRequest, MeterConfigRequest,
                              MeterFeaturesRequest, TableDescRequest, TableFeaturesRequest>;
    Body body;
};

// One part of an answer.
struct MultipartReply {
    using Body = std::variant<SwitchDescription, std::vector<FlowStatistics>, AggregateStatistics,
                              std::vector<TableStatistics>, std::vector<PortStatistics>,
                              std::vector<QueueStatistics>, std::vector<PortDescription>,
                              std::vector<GroupStatistics>, std::vector<GroupDescription>, GroupFeatures,
                              std::vector<MeterStatistics>, std::vector<MeterConfig>, MeterFeatures,
                              std::vector<TableDescription>, std::vector<TableFeatures>>;
    Body body;
    bool more = false;  // others follow
};

}  // namespace weft::openflow
