// Flows: changes, removals and statistics (OpenFlow 1.5.1 sections 7.3.4.2, 7.3.5.2–7.3.5.4, 7.4.2;
// NXT_FLOW_MOD, NXST_FLOW).

#pragma once

#include <cstdint>
#include <optional>

#include "openflow/action.h"
#include "openflow/match.h"
#include "openflow/version.h"

namespace weft::openflow {

// Bits of FlowMod::flags, as OpenFlow 1.3+ has them.
inline constexpr uint16_t kFlowSendRemoved = 1, kFlowCheckOverlap = 2, kFlowResetCounts = 4,
                          kFlowNoPacketCounts = 8, kFlowNoByteCounts = 16;

struct FlowMod {
    enum class Command : uint8_t { kAdd, kModify, kModifyStrict, kDelete, kDeleteStrict };
    Command command = Command::kAdd;
    uint8_t table = kTableAll;  // kTableAll: the switch chooses (add), or all of them (delete)
    uint16_t priority = 0x8000;
    // Which flows a modification or deletion is about; mask 0: any.
    uint64_t cookie = 0, cookie_mask = 0;
    uint64_t new_cookie = 0;                      // of an added flow, or for modified ones; ~0: leave theirs
    uint16_t idle_timeout = 0, hard_timeout = 0;  // seconds; 0: none
    uint16_t importance = 0;
    uint16_t flags = 0;
    uint32_t buffer_id = kNoBuffer;
    uint32_t out_port = kPortNone, out_group = kGroupAny;  // of deletions: only flows that output there
    Match match;
    ActionList actions;
};

struct FlowRemoved {
    enum class Reason : uint8_t {
        kIdleTimeout,
        kHardTimeout,
        kDelete,
        kGroupDelete,
        kMeterDelete,
        kEviction
    };
    Reason reason = Reason::kIdleTimeout;
    uint8_t table = 0;
    uint16_t priority = 0;
    uint64_t cookie = 0;
    uint32_t duration_s = 0, duration_ns = 0;
    uint16_t idle_timeout = 0, hard_timeout = 0;
    uint64_t packets = 0, bytes = 0;
    Match match;
};

struct FlowStatsRequest {
    bool aggregate = false;
    uint8_t table = kTableAll;
    uint32_t out_port = kPortNone, out_group = kGroupAny;
    uint64_t cookie = 0, cookie_mask = 0;
    Match match;
};

struct FlowStatistics {
    uint8_t table = 0;
    uint16_t priority = 0;
    uint64_t cookie = 0;
    uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
    uint32_t duration_s = 0, duration_ns = 0;
    int idle_age = -1, hard_age = -1;  // seconds; -1: not told (only Nicira's and OpenFlow 1.5's messages do)
    uint64_t packets = 0, bytes = 0;
    Match match;
    ActionList actions;
};

struct AggregateStatistics {
    uint64_t packets = 0, bytes = 0;
    uint32_t flows = 0;
};

}  // namespace weft::openflow
