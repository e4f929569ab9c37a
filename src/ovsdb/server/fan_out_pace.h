// When many clients are told of a change.
//
// To send each of 200 clients its few hundred bytes costs a millisecond, far more than the transaction, and
// they are told of each.  So in a burst the updates of several transactions are sent together: after one
// round the next waits for about ten times what a round costs.  The first change after a rest is told at
// once, a few clients are told of every one at once, and nobody waits for longer than kMaxWaitMs.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weft::ovsdb {

class FanOutPace {
  public:
    static constexpr int64_t kMaxWaitMs = 10;

    bool may_tell(size_t clients, int64_t now_ms) const { return clients < kFew || now_ms >= next_ms_; }
    // A round was sent.
    void told(size_t clients, int64_t now_ms) {
        if (clients < kFew) return;
        next_ms_ = now_ms + std::clamp<int64_t>(static_cast<int64_t>(clients / kPerMs), 1, kMaxWaitMs);
    }
    int64_t next_ms() const { return next_ms_; }

  private:
    static constexpr size_t kFew = 16;
    static constexpr size_t kPerMs = 25;  // clients: 40 us each, where a small send costs about 4

    int64_t next_ms_ = 0;
};

}  // namespace weft::ovsdb
