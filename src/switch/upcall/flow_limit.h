// How many megaflows there may be (ovs-vswitchd.conf.db(5), other_config:flow-limit): as many as configured,
// but fewer while looking through them all takes too long, since what the tables say now must reach the
// datapath in time.
//
// Each pass tells how long it took.  Over kSlowMs the limit comes down at once, in proportion; somewhat over
// a second it comes down a little; below, it grows as long as that many flows could be looked through in a
// second.  It never falls below kFewest of what is configured.

#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::vswitch {

class FlowLimit {
  public:
    static constexpr size_t kFewest = 1000, kStep = 1000;
    static constexpr int64_t kSlowMs = 2000, kLongMs = 1300, kQuickMs = 1000;
    static constexpr int64_t kCrowdedIdleMs = 100;

    explicit FlowLimit(size_t configured) : configured_(configured), now_(configured) {}

    void configure(size_t most) { configured_ = now_ = most; }
    size_t now() const { return now_; }
    // A pass over `flows` megaflows took `ms`.
    void passed(size_t flows, int64_t ms);
    // How long an unused megaflow may stay: among more than there may be only a moment.
    int64_t idle_ms(size_t flows, int64_t max_idle_ms) const;

  private:
    size_t configured_, now_;
};

}  // namespace weft::vswitch
