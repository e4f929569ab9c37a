// Actions that send a packet somewhere: ovs-actions(7) "Output actions", groups, queues and meters.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "openflow/field.h"

namespace weft::openflow {

struct Output {
    uint32_t port = 0;
    uint16_t max_len = 0;  // bytes sent to a controller; 65535: all
    bool operator==(const Output&) const = default;
};
struct OutputReg {
    Subfield source;
    uint16_t max_len = 0xffff;
    bool operator==(const OutputReg&) const = default;
};
struct OutputTrunc {
    uint32_t port = 0;
    uint32_t max_len = 0;
    bool operator==(const OutputTrunc&) const = default;
};
enum class PacketInReason : uint8_t {
    kNoMatch = 0,
    kAction = 1,
    kInvalidTtl = 2,
    kActionSet = 3,
    kGroup = 4,
    kPacketOut = 5,
    kExplicitMiss = 6,  // a table-miss flow's; on the wire kNoMatch
    kImplicitMiss = 7,  // no flow at all; on the wire kNoMatch
};
struct Controller {
    uint16_t max_len = 0xffff;
    uint16_t controller_id = 0;
    PacketInReason reason = PacketInReason::kAction;
    bool pause = false;
    uint32_t meter_id = 0xffffffff;  // none
    Bytes userdata;
    bool operator==(const Controller&) const = default;
};
struct Enqueue {
    uint32_t port = 0;
    uint32_t queue = 0;
    bool operator==(const Enqueue&) const = default;
};
struct Group {
    uint32_t group_id = 0;
    bool operator==(const Group&) const = default;
};
struct SetQueue {
    uint32_t queue = 0;
    bool operator==(const SetQueue&) const = default;
};
struct PopQueue {
    bool operator==(const PopQueue&) const = default;
};
struct Meter {
    uint32_t meter_id = 0;
    bool operator==(const Meter&) const = default;
};

}  // namespace weft::openflow
