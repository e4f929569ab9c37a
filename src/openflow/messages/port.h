// Ports and queues: descriptions, changes, statistics.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "openflow/version.h"
#include "packet/flow.h"

namespace weft::openflow {

// Port::config, of OpenFlow 1.1+ with 1.0's in the same bits.
inline constexpr uint32_t kPortDown = 1 << 0, kPortNoStp = 1 << 1, kPortNoRecv = 1 << 2,
                          kPortNoRecvStp = 1 << 3, kPortNoFlood = 1 << 4, kPortNoFwd = 1 << 5,
                          kPortNoPacketIn = 1 << 6;
// Port::state.
inline constexpr uint32_t kPortLinkDown = 1 << 0, kPortBlocked = 1 << 1, kPortLive = 1 << 2;
inline constexpr uint32_t kPortStpListen = 0 << 8, kPortStpLearn = 1 << 8, kPortStpForward = 2 << 8,
                          kPortStpBlock = 3 << 8, kPortStpMask = 3 << 8;  // OpenFlow 1.0
// Port::current, advertised, …, as OpenFlow 1.1+ numbers them.
inline constexpr uint32_t kPort10MbHd = 1 << 0, kPort10MbFd = 1 << 1, kPort100MbHd = 1 << 2,
                          kPort100MbFd = 1 << 3, kPort1GbHd = 1 << 4, kPort1GbFd = 1 << 5,
                          kPort10GbFd = 1 << 6, kPort40GbFd = 1 << 7, kPort100GbFd = 1 << 8,
                          kPort1TbFd = 1 << 9, kPortOtherSpeed = 1 << 10, kPortCopper = 1 << 11,
                          kPortFiber = 1 << 12, kPortAutoneg = 1 << 13, kPortPause = 1 << 14,
                          kPortPauseAsym = 1 << 15;

struct Port {
    uint32_t number = 0;
    packet::EthAddr address{};
    std::string name;  // at most 15 bytes
    uint32_t config = 0, state = 0;
    uint32_t current = 0, advertised = 0, supported = 0, peer = 0;
    uint32_t current_speed = 0, max_speed = 0;  // kbps
    bool operator==(const Port&) const = default;
};
struct PortStatus {
    enum class Reason : uint8_t { kAdd = 0, kDelete = 1, kModify = 2 };
    Reason reason = Reason::kAdd;
    Port port;
    bool operator==(const PortStatus&) const = default;
};
struct PortMod {
    uint32_t number = 0;
    packet::EthAddr address{};
    uint32_t config = 0, mask = 0;
    uint32_t advertise = 0;
    bool operator==(const PortMod&) const = default;
};
struct PortDescRequest {
    uint32_t port = kPortNone;  // OpenFlow 1.5+
    bool operator==(const PortDescRequest&) const = default;
};
struct PortDescReply {
    std::vector<Port> ports;
    bool more = false;
    bool operator==(const PortDescReply&) const = default;
};

// A counter that is not kept is ~0.
struct PortStats {
    uint32_t port = 0;
    uint64_t rx_packets = ~0ull, tx_packets = ~0ull, rx_bytes = ~0ull, tx_bytes = ~0ull;
    uint64_t rx_dropped = ~0ull, tx_dropped = ~0ull, rx_errors = ~0ull, tx_errors = ~0ull;
    uint64_t rx_frame_err = ~0ull, rx_over_err = ~0ull, rx_crc_err = ~0ull, collisions = ~0ull;
    uint32_t duration_sec = ~0u, duration_nsec = ~0u;
    bool operator==(const PortStats&) const = default;
};
struct PortStatsRequest {
    uint32_t port = kPortNone;  // all
    bool operator==(const PortStatsRequest&) const = default;
};
struct PortStatsReply {
    std::vector<PortStats> ports;
    bool more = false;
    bool operator==(const PortStatsReply&) const = default;
};

inline constexpr uint32_t kQueueAll = 0xffffffff;
struct QueueStats {
    uint32_t port = 0, queue = 0;
    uint64_t tx_bytes = ~0ull, tx_packets = ~0ull, tx_errors = ~0ull;
    uint32_t duration_sec = ~0u, duration_nsec = ~0u;
    bool operator==(const QueueStats&) const = default;
};
struct QueueStatsRequest {
    uint32_t port = kPortNone, queue = kQueueAll;
    bool operator==(const QueueStatsRequest&) const = default;
};
struct QueueStatsReply {
    std::vector<QueueStats> queues;
    bool more = false;
    bool operator==(const QueueStatsReply&) const = default;
};
struct QueueConfig {
    uint32_t port = 0, queue = 0;
    std::optional<uint16_t> min_rate, max_rate;  // tenths of a percent
    bool operator==(const QueueConfig&) const = default;
};
struct QueueConfigRequest {
    uint32_t port = kPortNone, queue = kQueueAll;
    bool operator==(const QueueConfigRequest&) const = default;
};
struct QueueConfigReply {
    uint32_t port = 0;
    std::vector<QueueConfig> queues;
    bool more = false;
    bool operator==(const QueueConfigReply&) const = default;
};

}  // namespace weft::openflow
