// Packet threads of a datapath that can have them: threads of their own, each on one processor, that take
// packets from ports' receive queues (ovs-vswitchd.conf.db(5), other_config:pmd-cpu-mask and what follows
// it).  Without any, the switch's thread takes all packets.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datapath/api/datapath.h"

namespace weft::datapath {

// How queues that are not pinned are spread over threads.
enum class QueueSpread : uint8_t {
    kCycles,      // the busiest first, to and fro over the threads
    kRoundRobin,  // in the order of ports
    kGroup,       // the busiest first, each to the thread with least to do
};

struct PacketThreadSettings {
    std::vector<unsigned> processors;  // one thread on each; none: the switch's thread does it all
    QueueSpread spread = QueueSpread::kCycles;
    bool isolate = true;  // a thread with a pinned queue gets no others
    // How an idle thread waits.  Unset: until a packet wakes it.  0: it does not, it asks on and on.
    // Otherwise: it sleeps for up to so many microseconds between two looks, more the less there is, so that
    // senders need not wake it; what has been idle for long waits for a packet.
    std::optional<uint32_t> max_sleep_us;
    bool operator==(const PacketThreadSettings&) const = default;
};

struct QueueReport {
    std::string port;
    unsigned queue = 0;
    std::optional<unsigned> percent;  // of its thread's time, over the time asked for
};

// Of one thread.  Counts are since the last clear_thread_counts(); cycles are of processor_cycles().
struct PacketThreadReport {
    std::optional<unsigned> processor;  // unset: the switch's thread
    unsigned numa_node = 0;
    bool isolated = false;
    std::vector<QueueReport> queues;  // by port and number
    std::optional<unsigned> overhead_percent;

    uint64_t received = 0, recirculated = 0, exact_hits = 0, megaflow_hits = 0, masks_tried = 0;
    uint64_t misses = 0, lost = 0;
    uint64_t sent = 0, flushes = 0;
    uint64_t idle_cycles = 0, busy_cycles = 0, cycles_in_all = 0;
    uint64_t iterations = 0, busy_iterations = 0, sleeps = 0, sleep_us = 0;
    double seconds = 0;
};

class PacketThreads {
  public:
    virtual void set_packet_threads(const PacketThreadSettings& settings) = 0;
    // The processors that a port's queues, by their numbers, are to be served on.  It may be said before
    // there is such a processor among the settings', and stays until the port goes.
    virtual void pin_queues(PortNo port, const std::map<unsigned, unsigned>& processors) = 0;
    virtual void rebalance_queues() = 0;
    // The switch's thread comes last.  `seconds`: over how long queues' shares are told, at most 60.
    virtual std::vector<PacketThreadReport> packet_threads(unsigned seconds) const = 0;
    virtual void clear_thread_counts(std::optional<unsigned> processor) = 0;  // unset: of all
    virtual PacketThreadSettings packet_thread_settings() const = 0;

  protected:
    ~PacketThreads() = default;
};

}  // namespace weft::datapath
