#include "net/reconnect.h"

#include <gtest/gtest.h>

namespace weft::net {
namespace {

using Action = Reconnect::Action;
using State = Reconnect::State;

TEST(Reconnect, BackOffDoublesUpToTheMaximum) {
    Reconnect fsm({1000, 8000, 5000});
    EXPECT_FALSE(fsm.deadline());
    int64_t now = 100;
    fsm.enable(now);
    for (int64_t backoff : {0, 1000, 2000, 4000, 8000, 8000}) {
        ASSERT_EQ(fsm.deadline(), now + backoff);
        if (backoff) {
            EXPECT_EQ(fsm.run(now + backoff - 1), Action::kNone);
        }
        now += backoff;
        ASSERT_EQ(fsm.run(now), Action::kConnect);
        fsm.connecting(now);
        now += 10;
        fsm.disconnected(now);
    }
}

TEST(Reconnect, AnAttemptThatHangsIsGivenUp) {
    Reconnect fsm({1000, 8000, 5000});
    fsm.enable(0);
    ASSERT_EQ(fsm.run(0), Action::kConnect);
    fsm.connecting(0);
    EXPECT_EQ(fsm.run(999), Action::kNone);
    EXPECT_EQ(fsm.run(1000), Action::kDisconnect);
}

TEST(Reconnect, ALastingConnectionIsRestoredAtOnce) {
    Reconnect fsm({1000, 8000, 0});
    fsm.enable(0);
    fsm.disconnected(0);
    fsm.disconnected(0);
    EXPECT_EQ(fsm.backoff_ms(), 2000);
    fsm.connecting(2000);
    fsm.connected(2000);
    EXPECT_FALSE(fsm.deadline()) << "no probes were asked for";
    fsm.received(5000);
    fsm.disconnected(6000);
    EXPECT_EQ(fsm.backoff_ms(), 0);
    // One that ends right after it came up counts as a failure.
    fsm.connecting(6000);
    fsm.connected(6000);
    fsm.disconnected(6000);
    EXPECT_EQ(fsm.backoff_ms(), 1000);
}

TEST(Reconnect, SilenceIsProbedAndThenEnds) {
    struct Step {
        int64_t at;
        bool receive;
        Action expected;
        State state;
    };
    const Step kSteps[] = {
        {4999, false, Action::kNone, State::kActive},         {5000, false, Action::kProbe, State::kProbing},
        {9999, false, Action::kNone, State::kProbing},        {9999, true, Action::kNone, State::kActive},
        {14998, false, Action::kNone, State::kActive},        {14999, false, Action::kProbe, State::kProbing},
        {19999, false, Action::kDisconnect, State::kProbing},
    };
    Reconnect fsm({1000, 8000, 5000});
    fsm.enable(0);
    fsm.connecting(0);
    fsm.connected(0);
    for (const Step& step : kSteps) {
        SCOPED_TRACE(step.at);
        if (step.receive) fsm.received(step.at);
        EXPECT_EQ(fsm.run(step.at), step.expected);
        EXPECT_EQ(fsm.state(), step.state);
    }
}

TEST(Reconnect, ForcedReconnectionDropsOrHurries) {
    Reconnect fsm({1000, 8000, 5000});
    fsm.enable(0);
    fsm.connecting(0);
    fsm.connected(0);
    fsm.force_reconnect(10);
    EXPECT_EQ(fsm.run(10), Action::kDisconnect);
    fsm.disconnected(10);
    EXPECT_EQ(fsm.run(10), Action::kNone);
    fsm.force_reconnect(20);
    EXPECT_EQ(fsm.run(20), Action::kConnect);
}

}  // namespace
}  // namespace weft::net
