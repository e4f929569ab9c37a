// Messages about flows: OFPT_FLOW_MOD, OFPT_FLOW_REMOVED, flow and aggregate statistics.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "openflow/action.h"
#include "openflow/match.h"

namespace weft::openflow {

// FlowMod::flags and FlowStats::flags; the wire's of OpenFlow 1.3+.
inline constexpr uint16_t kFlowSendRemoved = 1, kFlowCheckOverlap = 2, kFlowResetCounts = 4,
                          kFlowNoPacketCounts = 8, kFlowNoByteCounts = 16;

struct FlowMod {
    enum class Command : uint8_t { kAdd = 0, kModify = 1, kModifyStrict = 2, kDelete = 3, kDeleteStrict = 4 };

    Match match;
    uint16_t priority = 32768;
    Command command = Command::kAdd;
    uint8_t table = kTableAll;  // for kAdd: the switch's choice (0)
    // Which flows: those with (flow's cookie & cookie_mask) == cookie.
    uint64_t cookie = 0, cookie_mask = 0;
    // What they get.  On kModify only if modify_cookie.
    uint64_t new_cookie = 0;
    bool modify_cookie = false;
    uint16_t idle_timeout = 0, hard_timeout = 0;  // seconds; 0: never
    uint16_t importance = 0;
    uint16_t flags = 0;
    uint32_t buffer_id = kNoBuffer;
    uint32_t out_port = kPortNone;  // deletions: only flows that output there
    uint32_t out_group = kGroupAny;
    ActionList actions;
    bool nicira = false;  // OpenFlow 1.0: it came as NXT_FLOW_MOD

    bool is_delete() const { return command >= Command::kDelete; }
    bool operator==(const FlowMod&) const = default;
};

enum class FlowRemovedReason : uint8_t {
    kIdleTimeout = 0,
    kHardTimeout = 1,
    kDelete = 2,
    kGroupDelete = 3,
    kMeterDelete = 4,
    kEviction = 5,
};
struct FlowRemoved {
    Match match;
    uint16_t priority = 0;
    uint64_t cookie = 0;
    FlowRemovedReason reason = FlowRemovedReason::kIdleTimeout;
    uint8_t table = 0;
    uint32_t duration_sec = 0, duration_nsec = 0;
    uint16_t idle_timeout = 0, hard_timeout = 0;
    uint64_t packets = 0, bytes = 0;
    bool operator==(const FlowRemoved&) const = default;
};

// Flow (and with `aggregate`, aggregate) statistics wanted.
struct FlowStatsRequest {
    bool aggregate = false;
    Match match;
    uint8_t table = kTableAll;
    uint32_t out_port = kPortNone, out_group = kGroupAny;
    uint64_t cookie = 0, cookie_mask = 0;
    bool nicira = false;  // OpenFlow 1.0: NXST_FLOW; the reply must be of the same kind
    bool operator==(const FlowStatsRequest&) const = default;
};
struct FlowStats {
    Match match;
    uint16_t priority = 0;
    uint8_t table = 0;
    uint64_t cookie = 0;
    uint32_t duration_sec = 0, duration_nsec = 0;
    uint16_t idle_timeout = 0, hard_timeout = 0;
    int32_t idle_age = -1, hard_age = -1;  // seconds; -1: not known
    uint16_t importance = 0;
    uint16_t flags = 0;
    uint64_t packets = ~0ull, bytes = ~0ull;  // ~0: not known
    ActionList actions;
    bool operator==(const FlowStats&) const = default;
};
struct FlowStatsReply {
    std::vector<FlowStats> flows;
    bool more = false;    // further replies follow
    bool nicira = false;  // OpenFlow 1.0: NXST_FLOW
    bool operator==(const FlowStatsReply&) const = default;
};
struct AggregateStatsReply {
    uint64_t packets = 0, bytes = 0;
    uint32_t flows = 0;
    bool nicira = false;  // OpenFlow 1.0: NXST_AGGREGATE
    bool operator==(const AggregateStatsReply&) const = default;
};

// How flows are written in one protocol of OpenFlow 1.0: its own ofp_match, or Nicira's nx_match.
// `nxm_flows`: use Nicira's messages in OpenFlow 1.0 even where its own would do.  What does not fit
// ofp_match goes as Nicira's in any case.
struct FlowFormat {
    Version version = Version::k15;
    bool nxm = false;       // OpenFlow 1.0: NXT_FLOW_MOD
    bool table_id = false;  // OpenFlow 1.0: the command's upper byte is the table (NXT_FLOW_MOD_TABLE_ID)
};
Bytes encode_flow_mod(const FlowMod& mod, const FlowFormat& format, uint32_t xid);

// Text of ovs-ofctl(8) "Flow Syntax": "table=1,priority=5,tcp,actions=output:1".  kAdd and kModify need
// actions=; for deletions and statistics it must not be there.
Result<FlowMod> parse_flow_mod(std::string_view text, FlowMod::Command command, const Names* names = nullptr);
// With "add", "modify", "delete_strict", … before the flow, as in bundle files; without, `add`.
Result<FlowMod> parse_flow_mod_any(std::string_view text, const Names* names = nullptr);
Result<FlowStatsRequest> parse_flow_stats_request(std::string_view text, bool aggregate,
                                                  const Names* names = nullptr);

struct FlowTextOptions {
    const Names* names = nullptr;
    bool stats = true;  // duration, n_packets, …
    bool cookie = true;
};
// One line of `ovs-ofctl dump-flows`, without its leading space.
void format_flow_stats(const FlowStats& flow, const FlowTextOptions& options, std::string& out);

}  // namespace weft::openflow
