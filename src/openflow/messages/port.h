// Ports: their descriptions, changes and statistics (OpenFlow 1.5.1 sections 7.2.1, 7.3.4.3, 7.3.5.7, 7.4.3).

#pragma once

#include <cstdint>
#include <string>

#include "openflow/version.h"
#include "packet/flow.h"

namespace weft::openflow {

// Bits of PortDescription::config, as OpenFlow 1.1+ has them (1.0 adds no-stp, no-flood: kept in bits of
// their own).
inline constexpr uint32_t kPortDown = 1 << 0, kPortNoStp = 1 << 1, kPortNoReceive = 1 << 2,
                          kPortNoReceiveStp = 1 << 3, kPortNoFlood = 1 << 4, kPortNoForward = 1 << 5,
                          kPortNoPacketIn = 1 << 6;
// Bits of state.
inline constexpr uint32_t kPortLinkDown = 1 << 0, kPortBlocked = 1 << 1, kPortLive = 1 << 2;

struct PortDescription {
    uint32_t number = 0;
    packet::EthAddr hw_addr{};
    std::string name;  // at most 15 bytes on the wire
    uint32_t config = 0, state = 0;
    uint32_t current = 0, advertised = 0, supported = 0, peer = 0;  // feature bits of OpenFlow 1.1+
    uint32_t current_speed = 0, max_speed = 0;                      // kbps
};

struct PortStatus {
    enum class Reason : uint8_t { kAdd, kDelete, kModify };
    Reason reason = Reason::kAdd;
    PortDescription port;
};

struct PortMod {
    uint32_t number = 0;
    packet::EthAddr hw_addr{};
    uint32_t config = 0, mask = 0;
    uint32_t advertise = 0;
};

inline constexpr uint64_t kNoStatistic = ~uint64_t{0};  // the switch does not count it

struct PortStatistics {
    uint32_t port = 0;
    uint64_t rx_packets = kNoStatistic, tx_packets = kNoStatistic, rx_bytes = kNoStatistic,
             tx_bytes = kNoStatistic;
    uint64_t rx_dropped = kNoStatistic, tx_dropped = kNoStatistic, rx_errors = kNoStatistic,
             tx_errors = kNoStatistic;
    uint64_t rx_frame_errors = kNoStatistic, rx_over_errors = kNoStatistic, rx_crc_errors = kNoStatistic,
             collisions = kNoStatistic;
    uint32_t duration_s = 0xffffffff, duration_ns = 0xffffffff;  // OpenFlow 1.3+
};

struct QueueStatistics {
    uint32_t port = 0, queue = 0;
    uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0;
    uint32_t duration_s = 0xffffffff, duration_ns = 0xffffffff;
};

}  // namespace weft::openflow
