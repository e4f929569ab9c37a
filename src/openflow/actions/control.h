// Actions that steer the walk through the tables, and OpenFlow 1.1's instructions.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "openflow/field.h"

namespace weft::openflow {

struct Action;
using ActionList = std::vector<Action>;

struct Resubmit {
    uint32_t in_port = kPortInPort;
    uint8_t table = kTableAll;  // kTableAll: this one
    bool with_ct_orig = false;
    bool operator==(const Resubmit&) const = default;
};
struct GotoTable {
    uint8_t table = 0;
    bool operator==(const GotoTable&) const = default;
};
struct WriteMetadata {
    uint64_t metadata = 0, mask = ~0ull;
    bool operator==(const WriteMetadata&) const = default;
};
struct ClearActions {
    bool operator==(const ClearActions&) const = default;
};
struct WriteActions {
    ActionList actions;
    bool operator==(const WriteActions&) const;
};
struct Clone {
    ActionList actions;
    bool operator==(const Clone&) const;
};
struct Exit {
    bool operator==(const Exit&) const = default;
};
struct Note {
    Bytes data;  // padded to 6 more than a multiple of 8 on the wire
    bool operator==(const Note&) const = default;
};
struct Conjunction {
    uint32_t id = 0;
    uint8_t clause = 0;  // counted from 0; text counts from 1
    uint8_t clauses = 0;
    bool operator==(const Conjunction&) const = default;
};
struct FinTimeout {
    uint16_t idle_timeout = 0, hard_timeout = 0;  // seconds
    bool operator==(const FinTimeout&) const = default;
};
struct Sample {
    enum class Direction : uint8_t { kDefault, kIngress, kEgress };
    uint16_t probability = 0;
    uint32_t collector_set_id = 0, obs_domain_id = 0, obs_point_id = 0;
    uint32_t sampling_port = kPortNone;
    Direction direction = Direction::kDefault;
    bool operator==(const Sample&) const = default;
};
struct CheckPktLarger {
    uint16_t length = 0;
    Subfield dst;  // one bit
    bool operator==(const CheckPktLarger&) const = default;
};

}  // namespace weft::openflow
