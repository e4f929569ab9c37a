// Tells in the log of turns of a loop that took long: while one runs, nobody else is answered.
//
// As Open vSwitch's programs tell it (module "timeval", WARN): how long, how much of it was the processor,
// what the turn waited for, and after it what the program counted (module "coverage", INFO), once a minute at
// most, so that a slow server does not fill its log.  Time is the machine's, not clock::monotonic_ms(), which
// tests stop.  Of the loop's thread.

#pragma once

#include <sys/resource.h>

#include <cstdint>

#include "base/log.h"

namespace weft::net {

class SlowTurn {
  public:
    static constexpr int64_t kSlowMs = 1000;

    // The wait for input is over.  May be called again in the same turn: the first call counts.
    void begin();
    void end();

  private:
    void tell(int64_t took_ms);
    void tell_coverage();

    bool running_ = false;
    int64_t began_ms_ = 0;
    rusage usage_{};  // at the beginning
    log::RateLimit coverage_limit_{1, 1};
};

}  // namespace weft::net
