// Meters (OpenFlow 1.3+ §5.8): rate limits that flows and controllers' packet-ins go through.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "openflow/version.h"

namespace weft::openflow {

inline constexpr uint16_t kMeterKbps = 1, kMeterPktps = 2, kMeterBurst = 4, kMeterStats = 8;

struct MeterBand {
    enum class Type : uint16_t { kDrop = 1, kDscpRemark = 2 };
    Type type = Type::kDrop;
    uint32_t rate = 0, burst_size = 0;  // kilobits or packets (per second)
    uint8_t prec_level = 0;             // kDscpRemark
    bool operator==(const MeterBand&) const = default;
};
struct MeterConfig {
    uint32_t meter_id = 0;
    uint16_t flags = 0;
    std::vector<MeterBand> bands;
    bool operator==(const MeterConfig&) const = default;
};
struct MeterMod {
    enum class Command : uint16_t { kAdd = 0, kModify = 1, kDelete = 2 };
    Command command = Command::kAdd;
    MeterConfig meter;
    bool operator==(const MeterMod&) const = default;
};
struct MeterConfigRequest {
    uint32_t meter_id = kMeterAll;
    bool operator==(const MeterConfigRequest&) const = default;
};
struct MeterConfigReply {
    std::vector<MeterConfig> meters;
    bool more = false;
    bool operator==(const MeterConfigReply&) const = default;
};
struct MeterStats {
    struct Band {
        uint64_t packets = 0, bytes = 0;
        bool operator==(const Band&) const = default;
    };
    uint32_t meter_id = 0;
    uint32_t flow_count = 0;
    uint64_t packets = 0, bytes = 0;
    uint32_t duration_sec = 0, duration_nsec = 0;
    std::vector<Band> bands;
    bool operator==(const MeterStats&) const = default;
};
struct MeterStatsRequest {
    uint32_t meter_id = kMeterAll;
    bool operator==(const MeterStatsRequest&) const = default;
};
struct MeterStatsReply {
    std::vector<MeterStats> meters;
    bool more = false;
    bool operator==(const MeterStatsReply&) const = default;
};
struct MeterFeaturesRequest {
    bool operator==(const MeterFeaturesRequest&) const = default;
};
struct MeterFeaturesReply {
    uint32_t max_meters = 0, band_types = 0, capabilities = 0;
    uint8_t max_bands = 0, max_color = 0;
    bool operator==(const MeterFeaturesReply&) const = default;
};

// "meter=1,kbps,burst,stats,bands=type=drop,rate=5,burst_size=6"
Result<MeterMod> parse_meter_mod(std::string_view text, MeterMod::Command command);
void format_meter(const MeterConfig& meter, std::string& out);

}  // namespace weft::openflow
