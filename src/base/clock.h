// The clocks.  Both can be stopped and moved by hand (`time/stop`, `time/warp`), for the whole process, so
// code never asks the kernel for the time itself, and protocols take `now` as an argument instead.

#pragma once

#include <cstdint>

namespace weft::clock {

int64_t monotonic_ms();  // since an arbitrary start; never goes back
int64_t wall_ms();       // since the Unix epoch, UTC

bool stopped();
void stop();  // freeze both clocks
void warp(
    int64_t by_ms);  // move both stopped clocks forward; the event loop then runs the timers that became due

}  // namespace weft::clock
