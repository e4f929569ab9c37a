#include "base/metrics.h"

#include <gtest/gtest.h>

namespace weft::metrics {
namespace {

Counter hits("test_hits");
Counter misses("test_misses");
Stopwatch watch("test-watch");

TEST(Metrics, CountersAndTheirRates) {
    hits.add();
    hits.add(9);
    sample();
    std::string text = coverage();
    EXPECT_NE(text.find("\ntest_hits                  2.0/sec     0.167/sec        0.0028/sec   total: 10\n"),
              std::string::npos)
        << text;
    EXPECT_EQ(text.find("test_misses"), std::string::npos);
    EXPECT_NE(text.find(" events never hit\n"), std::string::npos);
    for (int i = 0; i < 12; ++i) sample();
    text = coverage();
    EXPECT_NE(text.find("\ntest_hits                  0.0/sec     0.000/sec        0.0028/sec   total: 10\n"),
              std::string::npos)
        << text;
    EXPECT_EQ(*read_counter("test_hits"), "10\n");
    EXPECT_EQ(read_counter("nosuch").message(), "No such counter");
}

TEST(Metrics, GaugesAreAddedUpWhileTheyLive) {
    int64_t rows = 5;
    Gauge a("rows", [&] { return rows; });
    {
        Gauge b("rows", [] { return 2; }), c("cells", [] { return 1; });
        EXPECT_EQ(memory(), "cells:1 rows:7");
    }
    rows = 6;
    EXPECT_EQ(memory(), "rows:6");
}

TEST(Metrics, StopwatchesKnowTheirExtremesAndPercentile) {
    for (int i = 1; i <= 100; ++i) watch.record(i);
    std::string text = *stopwatch_report("test-watch");
    EXPECT_NE(
        text.find("Total samples: 100\n  Maximum: 100 msec\n  Minimum: 1 msec\n  95th percentile: 95.000000"),
        std::string::npos)
        << text;
    ASSERT_TRUE(stopwatch_reset("test-watch"));
    EXPECT_NE(stopwatch_report("")->find("Total samples: 0\n"), std::string::npos);
    EXPECT_FALSE(stopwatch_report("nosuch"));
    EXPECT_FALSE(stopwatch_reset("nosuch"));
}

}  // namespace
}  // namespace weft::metrics
