// Queueing disciplines of devices, by rtnetlink (ovs-vswitchd.conf.db(5), "QoS Table" and "Queue Table";
// tc-htb(8), tc-hfsc(7), tc-sfq(8), tc-codel(8), tc-fq_codel(8), tc-netem(8)).
//
// With linux-htb and linux-hfsc, queue N is the class 1:(N+1) below the class 1:fffe, which holds the rate of
// the whole; packets get there by their priority, which qos_class() gives.  The other types have no queues.
//
// Rates are bits per second, bursts bits.  What the kernel has no module for is an error that says so.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::datapath {

inline constexpr uint32_t kMaxQosQueue = 0xf000;  // queues below it

// SO_PRIORITY of packets of a queue.
inline uint32_t qos_class(uint32_t queue) {
    return 0x10000 | ((queue + 1) & 0xffff);
}

struct QosQueue {
    uint64_t min_rate = 0, max_rate = 0, burst = 0;  // 0: the default
    uint32_t priority = 0;
    bool operator==(const QosQueue&) const = default;
};

struct QosConfig {
    std::string type;       // "linux-htb", ...
    uint64_t max_rate = 0;  // of htb and hfsc; 0: as fast as the device
    std::map<uint32_t, QosQueue> queues;
    // Of the other types; 0: the default.
    uint32_t perturb = 0, quantum = 0, limit = 0, interval_us = 0, target_us = 0, flows = 0, latency_us = 0;
    uint32_t loss_percent = 0;
    bool operator==(const QosConfig&) const = default;
};

struct QueueStats {
    uint64_t packets = 0, bytes = 0, errors = 0;
};

// "linux-htb", ...: what install_qos() takes.
const std::vector<std::string>& qos_types();
bool qos_has_queues(const std::string& type);
// What a queue comes to when limits of the discipline and of the device are applied.
QosQueue effective_queue(const QosConfig& config, const QosQueue& queue, const std::string& device);
uint64_t effective_max_rate(const QosConfig& config, const std::string& device);

// Replaces the device's root discipline.
Result<void> install_qos(const std::string& device, const QosConfig& config);
// The device gets the kernel's default discipline back.
Result<void> remove_qos(const std::string& device);
// By queue; empty: the device has none of ours.
std::map<uint32_t, QueueStats> qos_statistics(const std::string& device);
// The kind of discipline at the device's root, as the kernel calls it: "htb", "noqueue"; "": unknown.
std::string qdisc_kind(const std::string& device);

}  // namespace weft::datapath
