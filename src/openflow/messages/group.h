// Groups (OpenFlow 1.1+ §5.6): buckets of actions of which all, one or the first live are executed.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "openflow/action.h"

namespace weft::openflow {

enum class GroupType : uint8_t { kAll = 0, kSelect = 1, kIndirect = 2, kFastFailover = 3 };

struct Bucket {
    static constexpr uint32_t kFirst = 0xfffffffd, kLast = 0xfffffffe,
                              kAll = 0xffffffff;  // command_bucket_id
    uint32_t id = 0;
    uint16_t weight = 0;  // kSelect: 1 if text gives none
    uint32_t watch_port = kPortNone, watch_group = kGroupAny;
    ActionList actions;
    bool operator==(const Bucket&) const = default;
};

// How a kSelect group chooses (Nicira's OpenFlow 1.5 experimenter property NTR selection method).
struct Selection {
    std::string method;  // "", "hash" or "dp_hash"
    uint64_t param = 0;
    std::vector<std::pair<FieldId, FieldValue>> fields;  // field and mask, of "hash"
    bool operator==(const Selection& other) const {
        if (method != other.method || param != other.param || fields.size() != other.fields.size())
            return false;
        for (size_t i = 0; i < fields.size(); i++) {
            if (fields[i].first != other.fields[i].first ||
                fields[i].second.bytes != other.fields[i].second.bytes) {
                return false;
            }
        }
        return true;
    }
};

struct GroupMod {
    enum class Command : uint16_t {
        kAdd = 0,
        kModify = 1,
        kDelete = 2,
        kInsertBucket = 3,
        kRemoveBucket = 5,
        kAddOrModify = 0x8000,
    };
    Command command = Command::kAdd;
    GroupType type = GroupType::kAll;
    uint32_t group_id = 0;
    uint32_t command_bucket_id = Bucket::kAll;
    std::vector<Bucket> buckets;
    Selection selection;
    bool operator==(const GroupMod&) const = default;
};
struct GroupDesc {
    uint32_t group_id = 0;
    GroupType type = GroupType::kAll;
    std::vector<Bucket> buckets;
    Selection selection;
    bool operator==(const GroupDesc&) const = default;
};
struct GroupDescRequest {
    uint32_t group_id = kGroupAll;
    bool operator==(const GroupDescRequest&) const = default;
};
struct GroupDescReply {
    std::vector<GroupDesc> groups;
    bool more = false;
    bool operator==(const GroupDescReply&) const = default;
};
struct GroupStats {
    struct Counters {
        uint64_t packets = 0, bytes = 0;
        bool operator==(const Counters&) const = default;
    };
    uint32_t group_id = 0;
    uint32_t ref_count = 0;
    uint64_t packets = 0, bytes = 0;
    uint32_t duration_sec = 0, duration_nsec = 0;
    std::vector<Counters> buckets;
    bool operator==(const GroupStats&) const = default;
};
struct GroupStatsRequest {
    uint32_t group_id = kGroupAll;
    bool operator==(const GroupStatsRequest&) const = default;
};
struct GroupStatsReply {
    std::vector<GroupStats> groups;
    bool more = false;
    bool operator==(const GroupStatsReply&) const = default;
};
struct GroupFeaturesRequest {
    bool operator==(const GroupFeaturesRequest&) const = default;
};
struct GroupFeaturesReply {
    uint32_t types = 0, capabilities = 0;
    uint32_t max_groups[4] = {};
    uint32_t actions[4] = {};  // bitmap of OFPAT_*
    bool operator==(const GroupFeaturesReply&) const = default;
};

// "group_id=1,type=select,selection_method=hash,bucket=weight:5,actions=output:1,bucket=…"
Result<GroupMod> parse_group_mod(std::string_view text, GroupMod::Command command,
                                 const Names* names = nullptr);
void format_group(uint32_t group_id, std::optional<GroupType> type, const Selection& selection,
                  const std::vector<Bucket>& buckets, Version version, const Names* names, std::string& out);
const char* group_type_name(GroupType type);

}  // namespace weft::openflow
