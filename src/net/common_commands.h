// The control commands that every daemon has: vlog/*, coverage/*, memory/show, stopwatch/* (ovs-appctl(8));
// and time/*, for those started with --enable-dummy.

#pragma once

#include "net/control_server.h"

namespace weft::net {

void add_log_commands(ControlServer& control);

// Rates need a sample every few seconds: the timer takes them as long as it lives, and logs what memory/show
// tells as memory grows (memory_log.h).
[[nodiscard]] std::unique_ptr<Loop::Timer> add_metrics_commands(ControlServer& control, Loop& loop);

// `time/stop` freezes the clocks of the process; `time/warp MS [STEP]` moves them by MS milliseconds in steps
// of STEP, a turn of the loop for each, so that timers run on the way.  `loop` must outlive `control`.
void add_time_commands(ControlServer& control, Loop& loop);

}  // namespace weft::net
