#include "datapath/userspace/packet_poller.h"

#include <algorithm>

#include "datapath/userspace/processor.h"

namespace weft::datapath {

void PacketPoller::run(Source& source) {
    auto known = [&](const Busy& busy) { return busy.source == &source; };
    if (std::none_of(busy_.begin(), busy_.end(), known)) busy_.push_back({&source, 0});
    int64_t begin = machine_us(), last = begin;
    size_t total = 0;
    for (int64_t now = begin; now - begin < kTurnUs; now = machine_us()) {
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
        relax_processor();
    }
    std::erase_if(busy_, [](const Busy& busy) { return busy.empty_polls > kForgottenAfter; });
}

void PacketPoller::remove(Source& source) {
    std::erase_if(busy_, [&](const Busy& busy) { return busy.source == &source; });
}

}  // namespace weft::datapath
