#include "base/clock.h"

#include <ctime>

namespace weft::clock {

namespace {

int64_t kernel_ms(clockid_t id) {
    timespec t{};
    clock_gettime(id, &t);
    return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}

struct Stopped {
    bool is_stopped = false;
    int64_t monotonic_ms = 0;
    int64_t wall_ms = 0;
};

Stopped stopped_at;

}  // namespace

int64_t monotonic_ms() {
    return stopped_at.is_stopped ? stopped_at.monotonic_ms : kernel_ms(CLOCK_MONOTONIC);
}
int64_t wall_ms() {
    return stopped_at.is_stopped ? stopped_at.wall_ms : kernel_ms(CLOCK_REALTIME);
}

bool stopped() {
    return stopped_at.is_stopped;
}

void stop() {
    if (!stopped_at.is_stopped) stopped_at = {true, kernel_ms(CLOCK_MONOTONIC), kernel_ms(CLOCK_REALTIME)};
}

void warp(int64_t by_ms) {
    stopped_at.monotonic_ms += by_ms;
    stopped_at.wall_ms += by_ms;
}

}  // namespace weft::clock
