// Log lines about the process's memory: soon after its start, and each time that the most it ever had has
// grown by half (ovs-appctl(8), MEMORY COMMANDS), with what memory/show tells.
//
// Of programs that have gauges (base/metrics.h); others say nothing.

#pragma once

#include <cstdint>

#include "base/clock.h"

namespace weft::net {

class MemoryLog {
  public:
    // To be called every few seconds.
    void check();

  private:
    int64_t start_ms_ = clock::monotonic_ms();
    int64_t told_ms_ = 0;  // 0: not yet
    int64_t told_kb_ = 0;
};

}  // namespace weft::net
