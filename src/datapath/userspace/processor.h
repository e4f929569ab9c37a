// What packet threads ask of the processor that they run on.

#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif
#include <ctime>

namespace weft::datapath {

// What a processor wants to be told by a loop that waits.
inline void relax_processor() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// A counter that runs evenly, for what would cost too much to ask the clock about: x86's time stamp, or
// nanoseconds.
inline uint64_t processor_cycles() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
#endif
}

// The machine's clock: what is measured is waiting, not the time that tests stop.
inline int64_t machine_us() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace weft::datapath
