// Bundles: messages that take effect together (OpenFlow 1.4 §7.3.9; ONF extension 230 in 1.3), and flow
// monitors (Nicira's NXST_FLOW_MONITOR, OpenFlow 1.4's).

#pragma once

#include <cstdint>
#include <vector>

#include "openflow/messages/flow.h"

namespace weft::openflow {

inline constexpr uint16_t kBundleAtomic = 1, kBundleOrdered = 2;

struct BundleControl {
    enum class Type : uint16_t {
        kOpenRequest = 0,
        kOpenReply = 1,
        kCloseRequest = 2,
        kCloseReply = 3,
        kCommitRequest = 4,
        kCommitReply = 5,
        kDiscardRequest = 6,
        kDiscardReply = 7,
    };
    uint32_t bundle_id = 0;
    Type type = Type::kOpenRequest;
    uint16_t flags = 0;
    bool operator==(const BundleControl&) const = default;
};
struct BundleAdd {
    uint32_t bundle_id = 0;
    uint16_t flags = 0;
    Bytes message;  // whole, with its header
    bool operator==(const BundleAdd&) const = default;
};

// Flow monitor flags as Nicira numbers them.
inline constexpr uint16_t kMonitorInitial = 1, kMonitorAdd = 2, kMonitorDelete = 4, kMonitorModify = 8,
                          kMonitorActions = 16, kMonitorOwn = 32;
struct FlowMonitor {
    enum class Command : uint8_t { kAdd = 0, kModify = 1, kDelete = 2 };
    uint32_t id = 0;
    Command command = Command::kAdd;
    uint16_t flags = 0;
    uint32_t out_port = kPortNone, out_group = kGroupAny;
    uint8_t table = kTableAll;
    Match match;
    bool operator==(const FlowMonitor&) const = default;
};
struct FlowMonitorRequest {
    std::vector<FlowMonitor> monitors;
    bool operator==(const FlowMonitorRequest&) const = default;
};
struct FlowUpdate {
    // kInitial: what was there when the monitor began; before OpenFlow 1.4 the wire says "added".
    enum class Event : uint16_t { kAdded = 0, kDeleted = 1, kModified = 2, kAbbrev = 3, kInitial = 4 };
    Event event = Event::kAdded;
    uint32_t xid = 0;  // kAbbrev: of the controller's own flow_mod
    FlowRemovedReason reason = FlowRemovedReason::kIdleTimeout;
    uint16_t priority = 0, idle_timeout = 0, hard_timeout = 0;
    uint8_t table = 0;
    uint64_t cookie = 0;
    Match match;
    ActionList actions;
    bool operator==(const FlowUpdate&) const = default;
};
struct FlowMonitorReply {
    std::vector<FlowUpdate> updates;
    bool more = false;
    bool operator==(const FlowMonitorReply&) const = default;
};
struct FlowMonitorCancel {
    uint32_t id = 0;
    bool operator==(const FlowMonitorCancel&) const = default;
};
struct FlowMonitorPaused {
    bool operator==(const FlowMonitorPaused&) const = default;
};
struct FlowMonitorResumed {
    bool operator==(const FlowMonitorResumed&) const = default;
};

}  // namespace weft::openflow
