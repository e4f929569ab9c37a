// The limit of megaflows comes down while passes take long, and back up.

#include "switch/upcall/flow_limit.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

TEST(FlowLimit, ComesDownWithLongPassesAndBackUpWithQuickOnes) {
    FlowLimit limit(200000);
    limit.passed(200000, 500);
    EXPECT_EQ(limit.now(), 200000u);
    limit.passed(200000, 1200);
    EXPECT_EQ(limit.now(), 200000u) << "neither long nor quick";
    limit.passed(200000, 1500);
    EXPECT_EQ(limit.now(), 150000u);
    limit.passed(150000, 5000);
    EXPECT_EQ(limit.now(), 30000u);
    limit.passed(30000, 900);
    EXPECT_EQ(limit.now(), 31000u) << "33,333 could be looked through in a second";
    limit.passed(10, 1);
    EXPECT_EQ(limit.now(), 31000u) << "ten flows say nothing about more";
    for (int i = 0; i < 1000; i++) limit.passed(limit.now(), 10);
    EXPECT_EQ(limit.now(), 200000u);
}

TEST(FlowLimit, NeverBelowAFewUnlessConfigured) {
    FlowLimit limit(200000);
    for (int i = 0; i < 100; i++) limit.passed(limit.now(), 100000);
    EXPECT_EQ(limit.now(), FlowLimit::kFewest);
    limit.configure(10);
    limit.passed(10, 1);
    EXPECT_EQ(limit.now(), 10u);
    limit.configure(0);
    limit.passed(0, 1);
    EXPECT_EQ(limit.now(), 0u);
}

TEST(FlowLimit, AmongTooManyTheUnusedGoSoon) {
    FlowLimit limit(100);
    EXPECT_EQ(limit.idle_ms(100, 10000), 10000);
    EXPECT_EQ(limit.idle_ms(101, 10000), 100);
    EXPECT_EQ(limit.idle_ms(101, 50), 50);
}

}  // namespace
}  // namespace weft::vswitch
