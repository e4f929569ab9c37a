// Limits the rate of packets to a controller (ovs-vswitchd.conf.db(5), Controller, controller_rate_limit,
// controller_burst_limit): misses and packets that actions send each have their own.
//
// As long as the rate allows, a packet goes at once.  What exceeds it waits in a queue of its port, all of
// them together no longer than the burst; where one more would not fit, the first of the longest queue is
// dropped, so no port takes the others' places.  Ports take turns.
//
// Pure: messages and times go in, what is to be sent comes out.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "base/bytes.h"

namespace weft::vswitch {

struct PacketInRate {
    uint32_t per_second = 0;  // at least 1
    uint32_t burst = 0;       // packets that go at once after a silence, and that may wait
    bool operator==(const PacketInRate&) const = default;
};

class PacketInLimit {
  public:
    struct Statistics {
        uint64_t bypassed = 0, queued = 0, dropped = 0, backlog = 0;
        bool operator==(const Statistics&) const = default;
    };

    // Starts with a whole burst; what it counts goes on.
    void set_rate(const PacketInRate& rate, int64_t now_ms);
    // The message, if it may go now; else it waits.
    std::optional<Bytes> admit(uint32_t port, Bytes message, int64_t now_ms);
    // One that has waited, if it may go now.
    std::optional<Bytes> next(int64_t now_ms);
    // When next() may have one; nullopt: nothing waits.
    std::optional<int64_t> next_ms() const;
    Statistics statistics() const { return statistics_; }

  private:
    bool take_token(int64_t now_ms);
    void drop_one();

    PacketInRate rate_;
    uint64_t tokens_ = 0;  // a packet costs kPacketTokens, a millisecond brings `per_second`
    int64_t filled_ms_ = 0;
    std::map<uint32_t, std::deque<Bytes>> queues_;  // by port; none is empty
    uint32_t last_port_ = 0;                        // whose turn was the last
    Statistics statistics_;
};

}  // namespace weft::vswitch
