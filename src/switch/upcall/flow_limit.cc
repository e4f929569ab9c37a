#include "switch/upcall/flow_limit.h"

#include <algorithm>

namespace weft::vswitch {

void FlowLimit::passed(size_t flows, int64_t ms) {
    auto duration = static_cast<size_t>(std::max<int64_t>(ms, 1));
    if (ms > kSlowMs)
        now_ /= duration / 1000;
    else if (ms > kLongMs)
        now_ = now_ * 3 / 4;
    else if (ms < kQuickMs && now_ < flows * 1000 / duration)
        now_ += kStep;
    now_ = std::min(configured_, std::max(now_, kFewest));
}

int64_t FlowLimit::idle_ms(size_t flows, int64_t max_idle_ms) const {
    return flows > now_ ? std::min(max_idle_ms, kCrowdedIdleMs) : max_idle_ms;
}

}  // namespace weft::vswitch
