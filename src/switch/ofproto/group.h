// Groups (OpenFlow 1.5, 5.10): lists of buckets of actions.
//
// A select group picks a bucket by a hash.  With the method "dp_hash" (the default, as ovs-ofctl(8) tells)
// the datapath computes the hash and a table of 2^k slots, apportioned to the buckets by weight
// (Webster/Sainte-Laguë), says whose it is, so that one megaflow serves each slot; with "hash" the switch
// hashes the fields that the group names.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "openflow/action.h"
#include "openflow/match.h"
#include "switch/ofproto/ref.h"

namespace weft::vswitch {

enum class GroupType : uint8_t { kAll = 0, kSelect = 1, kIndirect = 2, kFastFailover = 3 };

struct GroupBucket {
    uint32_t id = 0;
    uint16_t weight = 1;
    uint32_t watch_port = openflow::kPortNone;
    uint32_t watch_group = openflow::kGroupAny;
    openflow::ActionList actions;
    uint64_t packets = 0, bytes = 0;
};

struct GroupEntry {
    uint32_t id = 0;
    GroupType type = GroupType::kAll;
    std::vector<GroupBucket> buckets;
    std::string selection_method;  // "" (dp_hash), "hash", "dp_hash"
    uint64_t selection_param = 0;
    openflow::Match fields;  // of "hash": the mask tells the bits
    std::vector<std::pair<openflow::FieldId, openflow::FieldValue>> selection_fields;  // the same, as given
    uint64_t packets = 0, bytes = 0;
    int64_t created_ms = 0;
    mutable uint32_t references = 0;

    std::vector<uint16_t> slots;  // of dp_hash: bucket index by hash & (size - 1)
    void apportion();             // computes `slots`
};

// How often actions, with those that they hold, name the group.
uint32_t times_sent_to_group(const openflow::ActionList& actions, uint32_t group);

}  // namespace weft::vswitch
