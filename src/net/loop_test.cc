#include "net/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/clock.h"

namespace weft::net {
namespace {

TEST(Loop, ATurnReadsAllInputBeforeItComputes) {
    Loop loop;
    int a[2], b[2];
    ASSERT_EQ(pipe(a) | pipe(b), 0);
    std::string order;
    char byte;
    auto watch_a =
        loop.watch(a[0], Loop::kRead, [&](unsigned) { order += read(a[0], &byte, 1) ? 'a' : '?'; });
    auto watch_b =
        loop.watch(b[0], Loop::kRead, [&](unsigned) { order += read(b[0], &byte, 1) ? 'a' : '?'; });
    auto timer = loop.timer([&] { order += 't'; });
    timer->arm_in(0);
    auto turn1 = loop.each_turn([&] { order += '1'; });
    auto turn2 = loop.each_turn([&] { order += '2'; });
    loop.defer([&] { order += 'd'; });
    loop.post([&] { order += 'p'; });
    ASSERT_EQ(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
    loop.run_once(1000);
    EXPECT_EQ(order, "aatpd12");
    for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

TEST(Loop, WakeMakesAnotherTurnAtOnce) {
    Loop loop;
    int turns = 0;
    auto turn = loop.each_turn([&] {
        if (++turns < 3) {
            loop.wake();
        } else {
            loop.stop();
        }
    });
    loop.wake();
    loop.run();
    EXPECT_EQ(turns, 3);
}

TEST(Loop, HandlesMayBeDestroyedInAnyCallback) {
    Loop loop;
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    int calls = 0;
    std::unique_ptr<Loop::Watch> watch1, watch2;
    // Both are ready in the same turn; whichever comes first cancels both.
    auto cancel = [&](unsigned) {
        ++calls;
        watch1.reset();
        watch2.reset();
    };
    watch1 = loop.watch(fds[0], Loop::kWrite, cancel);
    watch2 = loop.watch(fds[1], Loop::kWrite, cancel);
    std::unique_ptr<Loop::Timer> timer1, timer2;
    timer1 = loop.timer([&] {
        ++calls;
        timer1.reset();
        timer2.reset();
    });
    timer2 = loop.timer([&] { ++calls; });
    timer1->arm_in(0);
    timer2->arm_in(0);
    std::unique_ptr<Loop::Turn> turn1, turn2;
    turn1 = loop.each_turn([&] {
        ++calls;
        turn2.reset();
        turn1.reset();
    });
    turn2 = loop.each_turn([&] { ++calls; });
    loop.run_once(0);
    loop.run_once(0);
    EXPECT_EQ(calls, 3);
    close(fds[0]);
    close(fds[1]);
}

TEST(Loop, EventsCanBeChangedAndSwitchedOff) {
    Loop loop;
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    unsigned seen = 0;
    auto watch = loop.watch(fds[0], Loop::kRead, [&](unsigned ready) { seen |= ready; });
    loop.run_once(0);
    EXPECT_EQ(seen, 0u);
    watch->set_events(Loop::kRead | Loop::kWrite);
    loop.run_once(0);
    EXPECT_EQ(seen, unsigned{Loop::kWrite});
    seen = 0;
    watch->set_events(0);
    ASSERT_EQ(write(fds[1], "x", 1), 1);
    loop.run_once(0);
    EXPECT_EQ(seen, 0u);
    watch->set_events(Loop::kRead);
    loop.run_once(0);
    EXPECT_EQ(seen, unsigned{Loop::kRead});
    close(fds[0]);
    close(fds[1]);
}

TEST(Loop, TimersRunInOrderAndOnTime) {
    Loop loop;
    std::string order;
    auto a = loop.timer([&] { order += 'a'; });
    auto b = loop.timer([&] { order += 'b'; });
    auto c = loop.timer([&] { loop.stop(); });
    int64_t start = clock::monotonic_ms();
    b->arm_at(start + 10);
    a->arm_at(start + 20);
    c->arm_at(start + 30);
    a->arm_at(start + 5);  // replaces
    loop.run();
    EXPECT_EQ(order, "ab");
    EXPECT_GE(clock::monotonic_ms(), start + 30);
    EXPECT_FALSE(a->armed());
}

TEST(Loop, ATimerThatRearmsItselfDoesNotHoldTheTurn) {
    Loop loop;
    int runs = 0;
    std::unique_ptr<Loop::Timer> timer;
    timer = loop.timer([&] {
        ++runs;
        timer->arm_in(0);
    });
    timer->arm_in(0);
    loop.run_once(0);
    EXPECT_EQ(runs, 1);
    loop.run_once(-1);
    EXPECT_EQ(runs, 2);
}

TEST(Loop, OtherThreadsPost) {
    Loop loop;
    int sum = 0;
    std::thread poster([&] {
        for (int i = 1; i <= 100; ++i) {
            loop.post([&, i] {
                sum += i;
                if (i == 100) loop.stop();
            });
        }
    });
    loop.run();
    poster.join();
    EXPECT_EQ(sum, 5050);
}

TEST(Loop, SignalsAreCallbacks) {
    Loop loop;
    int received = 0;
    auto signal = loop.on_signal(SIGTERM, [&] {
        ++received;
        loop.stop();
    });
    raise(SIGTERM);
    loop.run();
    EXPECT_EQ(received, 1);
}

// Stops the clock of the whole process, so in one of its own.
TEST(LoopDeathTest, AStoppedClockStopsTimers) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            Loop loop;
            int fired = 0;
            auto timer = loop.timer([&] { ++fired; });
            clock::stop();
            timer->arm_in(20);
            for (int i = 0; i < 3; ++i) loop.run_once(30);
            if (fired != 0) _exit(1);
            clock::warp(19);
            loop.run_once(0);
            if (fired != 0) _exit(2);
            clock::warp(1);
            loop.run_once(-1);
            _exit(fired == 1 ? 0 : 3);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace weft::net
