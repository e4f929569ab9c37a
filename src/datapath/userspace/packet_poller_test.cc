// Who is asked, how often, for how long.

#include "datapath/userspace/packet_poller.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::datapath {
namespace {

struct Fake final : PacketPoller::Source {
    size_t poll() override {
        polls++;
        size_t taken = waiting < 4 ? waiting : 4;
        if (!endless) waiting -= taken;
        return taken;
    }
    size_t waiting = 0;
    size_t polls = 0;
    bool endless = false;
};

int64_t microseconds(auto&& work) {
    auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin)
        .count();
}

TEST(PacketPoller, OnePacketIsNotWaitedBehind) {
    PacketPoller poller;
    Fake port;
    port.waiting = 1;
    poller.run(port);
    EXPECT_EQ(port.waiting, 0u);
    EXPECT_EQ(port.polls, 2u);
}

TEST(PacketPoller, ABurstIsWaitedBehindForAWhile) {
    PacketPoller poller;
    Fake port;
    port.waiting = 20;
    EXPECT_GE(microseconds([&] { poller.run(port); }), PacketPoller::kIdleUs);
    EXPECT_EQ(port.waiting, 0u);
    EXPECT_GT(port.polls, 6u);
}

TEST(PacketPoller, OthersGetTheirTurn) {
    PacketPoller poller;
    Fake port;
    port.waiting = 4;
    port.endless = true;
    EXPECT_GE(microseconds([&] { poller.run(port); }), PacketPoller::kTurnUs);  // and it comes back
}

TEST(PacketPoller, WhoWasBusyLatelyIsAskedToo) {
    PacketPoller poller;
    Fake one, two;
    one.waiting = two.waiting = 1;
    poller.run(one);
    EXPECT_EQ(two.waiting, 1u);
    poller.run(two);
    one.waiting = 1;
    poller.run(two);
    EXPECT_EQ(one.waiting, 0u);
    poller.remove(one);
    one.waiting = 1;
    poller.run(two);
    EXPECT_EQ(one.waiting, 1u);
}

}  // namespace
}  // namespace weft::datapath
