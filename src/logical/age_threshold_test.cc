#include "logical/age_threshold.h"

#include <gtest/gtest.h>

namespace weft::logical {
namespace {

TEST(AgeThreshold, TheLongestNetworkDecides) {
    auto t = parse_age_threshold("10.7.0.0/16:0;[fd00::]/64:100; 10.7.7.0/255.255.255.0:1;[fd00::1]:7;9");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->of("10.7.7.3"), 1);
    EXPECT_EQ(t->of("10.7.8.3"), 0);
    EXPECT_EQ(t->of("10.8.8.3"), 9);
    EXPECT_EQ(t->of("fd00::5"), 100);
    EXPECT_EQ(t->of("fd00::1"), 7);
    EXPECT_EQ(t->of("fd00:1::1"), 9);
    EXPECT_EQ(t->shortest(), 1);
    EXPECT_TRUE(t->any());
}

TEST(AgeThreshold, OneNumberIsForAll) {
    auto t = parse_age_threshold("60");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->of("10.0.0.1"), 60);
    EXPECT_EQ(t->of("nonsense"), 60);
    EXPECT_FALSE(parse_age_threshold("0")->any());
    EXPECT_FALSE(parse_age_threshold("")->any());
    auto all = parse_age_threshold("0.0.0.0/0:5;::/0:6");
    EXPECT_EQ(all->of("1.2.3.4"), 5);
    EXPECT_EQ(all->of("::1"), 6);
}

TEST(AgeThreshold, MistakesAreNone) {
    for (const char* text : {"x", "-1", "10.0.0.0/33:1", "10.0.0.0/8:x", "fd00::/129:1",
                             "10.0.0.0/255.0.255.0:1", "4294967296", "host:5", "5 x"})
        EXPECT_FALSE(parse_age_threshold(text)) << text;
}

}  // namespace
}  // namespace weft::logical
