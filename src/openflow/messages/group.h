// Groups (OpenFlow 1.5.1 sections 5.10, 7.3.4.4, 7.3.5.10–7.3.5.12).

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "openflow/action.h"
#include "openflow/version.h"

namespace weft::openflow {

enum class GroupType : uint8_t { kAll, kSelect, kIndirect, kFastFailover };

struct Bucket {
    uint32_t id = 0xffffffff;  // OpenFlow 1.5; kBucketNone: to be given one
    uint16_t weight = 1;
    uint32_t watch_port = kPortNone, watch_group = kGroupAny;
    ActionList actions;
    bool operator==(const Bucket&) const = default;
};
inline constexpr uint32_t kBucketMax = 0xffffff00, kBucketFirst = 0xfffffffd, kBucketLast = 0xfffffffe,
                          kBucketAll = 0xffffffff;

// OpenFlow 1.5 properties of a select group (Netronome's selection method, as OVS has it).
struct GroupSelection {
    std::string method;  // "": default, "hash", "dp_hash"
    uint64_t parameter = 0;
    std::vector<std::pair<FieldId, FieldValue>> fields;  // hashed, with masks
};

struct GroupMod {
    enum class Command : uint16_t {
        kAdd = 0,
        kModify = 1,
        kDelete = 2,
        kInsertBucket = 3,
        kRemoveBucket = 5,
        kAddOrModify = 0x8000
    };
    Command command = Command::kAdd;
    GroupType type = GroupType::kAll;
    uint32_t group_id = 0;
    uint32_t command_bucket_id = kBucketAll;
    std::vector<Bucket> buckets;
    GroupSelection selection;
};

struct GroupStatistics {
    uint32_t group_id = 0, ref_count = 0;
    uint64_t packets = 0, bytes = 0;
    uint32_t duration_s = 0, duration_ns = 0;
    struct BucketCount {
        uint64_t packets = 0, bytes = 0;
    };
    std::vector<BucketCount> buckets;
};

struct GroupDescription {
    uint32_t group_id = 0;
    GroupType type = GroupType::kAll;
    std::vector<Bucket> buckets;
    GroupSelection selection;
};

struct GroupFeatures {
    uint32_t types = 0, capabilities = 0;
    std::array<uint32_t, 4> max_groups{}, actions{};
};

}  // namespace weft::openflow
