#include "base/clock.h"

#include <atomic>
#include <ctime>

namespace weft::clock {

namespace {

int64_t kernel_ms(clockid_t id) {
    timespec t{};
    clock_gettime(id, &t);
    return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}

// Written by the loop's thread, read by all.
std::atomic<bool> is_stopped{false};
std::atomic<int64_t> stopped_monotonic_ms{0}, stopped_wall_ms{0};

}  // namespace

int64_t monotonic_ms() {
    return is_stopped.load(std::memory_order_acquire) ? stopped_monotonic_ms.load()
                                                      : kernel_ms(CLOCK_MONOTONIC);
}
int64_t wall_ms() {
    return is_stopped.load(std::memory_order_acquire) ? stopped_wall_ms.load() : kernel_ms(CLOCK_REALTIME);
}

bool stopped() {
    return is_stopped;
}

void stop() {
    if (is_stopped) return;
    stopped_monotonic_ms = kernel_ms(CLOCK_MONOTONIC);
    stopped_wall_ms = kernel_ms(CLOCK_REALTIME);
    is_stopped.store(true, std::memory_order_release);
}

void warp(int64_t by_ms) {
    stopped_monotonic_ms += by_ms;
    stopped_wall_ms += by_ms;
}

}  // namespace weft::clock
