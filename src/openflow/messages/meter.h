// Meters (OpenFlow 1.5.1 sections 5.11, 7.3.4.5, 7.3.5.14–7.3.5.16).

#pragma once

#include <cstdint>
#include <vector>

#include "openflow/version.h"

namespace weft::openflow {

inline constexpr uint16_t kMeterKbps = 1, kMeterPktps = 2, kMeterBurst = 4, kMeterStats = 8;

struct MeterBand {
    enum class Type : uint16_t { kDrop = 1, kDscpRemark = 2 };
    Type type = Type::kDrop;
    uint32_t rate = 0, burst = 0;  // kbps or packets per second; kilobits or packets
    uint8_t prec_level = 0;        // of kDscpRemark
    bool operator==(const MeterBand&) const = default;
};

struct MeterConfig {
    uint16_t flags = 0;
    uint32_t meter_id = 0;
    std::vector<MeterBand> bands;
};

struct MeterMod {
    enum class Command : uint16_t { kAdd, kModify, kDelete };
    Command command = Command::kAdd;
    MeterConfig meter;
};

struct MeterStatistics {
    uint32_t meter_id = 0, flow_count = 0;
    uint64_t packets = 0, bytes = 0;
    uint32_t duration_s = 0, duration_ns = 0;
    struct BandCount {
        uint64_t packets = 0, bytes = 0;
    };
    std::vector<BandCount> bands;
};

struct MeterFeatures {
    uint32_t max_meters = 0, band_types = 0, capabilities = 0;
    uint8_t max_bands = 0, max_color = 0;
};

}  // namespace weft::openflow
