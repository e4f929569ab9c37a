#include "switch/ofproto/learned_cookies.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using Keys = std::vector<LearnedCookies::Key>;

openflow::ActionList actions(const char* text) {
    auto parsed = openflow::parse_actions(text);
    EXPECT_TRUE(parsed) << parsed.message();
    return *parsed;
}

TEST(LearnedCookies, TheLastActionTakesThemAlong) {
    LearnedCookies cookies;
    const auto one = actions("learn(table=2,cookie=7,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])");
    const auto other = actions(
        "note:01,learn(table=2,cookie=7,idle_timeout=3,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])");
    const auto inner = actions("clone(learn(table=2,cookie=7,delete_learned,NXM_OF_ETH_DST[]))");
    const auto keeps = actions("learn(table=2,cookie=7,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])");
    EXPECT_TRUE(LearnedCookies::named_by(one));
    EXPECT_TRUE(LearnedCookies::named_by(other));
    EXPECT_FALSE(LearnedCookies::named_by(inner));
    EXPECT_FALSE(LearnedCookies::named_by(keeps));
    cookies.added(one);
    cookies.added(other);
    cookies.added(keeps);
    cookies.removed(one);
    cookies.removed(keeps);
    EXPECT_EQ(cookies.take_orphans(), Keys{});
    cookies.removed(other);
    EXPECT_TRUE(cookies.empty());
    EXPECT_EQ(cookies.take_orphans(), (Keys{{2, 7}}));
    EXPECT_EQ(cookies.take_orphans(), Keys{});
}

TEST(LearnedCookies, OneThatComesBackIsNotMissed) {
    LearnedCookies cookies;
    const auto one = actions("learn(table=2,cookie=7,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])");
    cookies.added(one);
    cookies.removed(one);
    cookies.added(one);
    EXPECT_EQ(cookies.take_orphans(), Keys{});
}

}  // namespace
}  // namespace weft::vswitch
