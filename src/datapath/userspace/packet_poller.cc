#include "datapath/userspace/packet_poller.h"

#include <time.h>

#include <algorithm>

namespace weft::datapath {

namespace {

// The machine's clock: what is measured is waiting, not the time that tests stop.
int64_t now_us() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// What a processor wants to be told by a loop that waits.
void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void PacketPoller::run(Source& source) {
    auto known = [&](const Busy& busy) { return busy.source == &source; };
    if (std::none_of(busy_.begin(), busy_.end(), known)) busy_.push_back({&source, 0});
    int64_t begin = now_us(), last = begin;
    size_t total = 0;
    for (int64_t now = begin; now - begin < kTurnUs; now = now_us()) {
        size_t got = 0;
        for (size_t i = 0; i < busy_.size(); i++) {
            size_t packets = busy_[i].source->poll();
            busy_[i].empty_polls = packets ? 0 : busy_[i].empty_polls + 1;
            got += packets;
        }
        total += got;
        if (got) {
            last = now;
            continue;
        }
        if (total < kBurst || now - last >= kIdleUs) break;
        relax();
    }
    std::erase_if(busy_, [](const Busy& busy) { return busy.empty_polls > kForgottenAfter; });
}

void PacketPoller::remove(Source& source) {
    std::erase_if(busy_, [&](const Busy& busy) { return busy.source == &source; });
}

}  // namespace weft::datapath
