#include "net/slow_turn.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/log_control.h"
#include "base/metrics.h"
#include "net/loop.h"

namespace weft::net {
namespace {

metrics::Counter slept("slow_turn_test_slept");

// How long the turn took that `text` tells of; -1 if it tells of none.
int64_t told_ms(const std::string& text) {
    const std::string words = "|timeval|WARN|Unreasonably long ";
    size_t at = text.find(words);
    return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + words.size());
}

// What is logged while `run` runs.
std::string logged(const std::function<void()>& run) {
    std::string path = testing::TempDir() + "/weft-slow-turn-" + std::to_string(getpid()) + ".log";
    EXPECT_TRUE(log::open_file(path));
    run();
    log::close_file();
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::remove(path.c_str());
    return text.str();
}

void sleep_a_turn(Loop& loop) {
    loop.defer([] {
        slept.add();
        std::this_thread::sleep_for(std::chrono::milliseconds(SlowTurn::kSlowMs));
    });
    loop.run_once(0);
}

TEST(SlowTurn, IsToldWithWhatItCostAndWhatWasCounted) {
    Loop loop;
    std::string text = logged([&] { sleep_a_turn(loop); });
    EXPECT_GE(told_ms(text), SlowTurn::kSlowMs) << text;
    EXPECT_NE(text.find("ms user, "), std::string::npos) << text;
    EXPECT_NE(text.find("|timeval|WARN|context switches: "), std::string::npos) << text;
    EXPECT_NE(text.find("|coverage|INFO|slow_turn_test_slept"), std::string::npos) << text;

    text = logged([&] { sleep_a_turn(loop); });
    EXPECT_GE(told_ms(text), SlowTurn::kSlowMs) << text;
    EXPECT_EQ(text.find("slow_turn_test_slept"), std::string::npos) << text;
}

TEST(SlowTurn, WaitingIsNoTurn) {
    Loop loop;
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    auto watch = loop.watch(pipes[0], Loop::kRead, [&](unsigned) {});
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(SlowTurn::kSlowMs + 200));
        EXPECT_EQ(write(pipes[1], "x", 1), 1);
    });
    std::string text = logged([&] { loop.run_once(-1); });
    later.join();
    EXPECT_EQ(text.find("Unreasonably"), std::string::npos) << text;
    close(pipes[0]);
    close(pipes[1]);
}

}  // namespace
}  // namespace weft::net
