// Which packet thread serves which receive queue.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datapath/api/packet_threads.h"

namespace weft::datapath {

struct QueueToSpread {
    uint64_t cycles = 0;  // that it took lately
    std::optional<unsigned> pinned;
};

struct SpreadQueues {
    static constexpr size_t kNone = SIZE_MAX;  // the switch's thread
    std::vector<size_t> thread;                // of each queue: the place in settings.processors
    std::vector<bool> isolated;                // of each thread
    std::vector<size_t> pinned_elsewhere;      // queues pinned to a processor that has no thread
};

// Pinned queues go where they are pinned to, the others to threads that are not isolated by that, if there
// are such.
SpreadQueues spread_queues(const PacketThreadSettings& settings, const std::vector<QueueToSpread>& queues);

}  // namespace weft::datapath
