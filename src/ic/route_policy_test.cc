#include "ic/route_policy.h"

#include <gtest/gtest.h>

namespace weft::ic {
namespace {

TEST(Prefix, Text) {
    EXPECT_EQ(parse_prefix("192.168.1.7")->text(), "192.168.1.7/32");
    EXPECT_EQ(parse_prefix("192.168.1.7/24")->text(), "192.168.1.7/24");
    EXPECT_EQ(parse_prefix("FD00:0::1/64")->text(), "fd00::1/64");
    EXPECT_EQ(parse_prefix("::/0")->text(), "::/0");
    for (const char* bad : {"", "discard", "1.2.3", "1.2.3.4/33", "fd00::/129", "1.2.3.4 "})
        EXPECT_FALSE(parse_prefix(bad)) << bad;
}

TEST(Prefix, Contains) {
    auto holds = [](const char* a, const char* b) { return parse_prefix(a)->contains(*parse_prefix(b)); };
    EXPECT_TRUE(holds("10.0.0.0/8", "10.1.2.0/24"));
    EXPECT_TRUE(holds("10.0.0.0/8", "10.0.0.0/8"));
    EXPECT_FALSE(holds("10.1.0.0/24", "10.1.0.0/16"));
    EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0/24"));
    EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
    EXPECT_FALSE(holds("0.0.0.0/0", "fd00::/64"));
    EXPECT_TRUE(holds("fd00::/16", "fd00:1::/64"));
    EXPECT_FALSE(holds("::/0", "1.2.3.4"));
}

TEST(RoutePolicy, DefaultsToNothing) {
    RoutePolicy policy = parse_route_policy({});
    EXPECT_FALSE(policy.advertises(*parse_prefix("10.0.0.0/8")));
    EXPECT_FALSE(policy.learns(*parse_prefix("10.0.0.0/8")));
}

TEST(RoutePolicy, DefaultRoutesAndLinkLocalOnes) {
    RoutePolicy policy = parse_route_policy({{"ic-route-adv", "true"}, {"ic-route-learn-default", "true"}});
    EXPECT_TRUE(policy.advertises(*parse_prefix("10.0.0.0/8")));
    for (const char* never :
         {"0.0.0.0/0", "1.2.3.4/0", "::/0", "169.254.1.0/24", "169.254.0.0/16", "fe80::/64"})
        EXPECT_FALSE(policy.advertises(*parse_prefix(never))) << never;
    EXPECT_TRUE(policy.advertises(*parse_prefix("169.253.0.0/16")));
    // Without ic-route-learn, ic-route-learn-default has no effect.
    EXPECT_FALSE(policy.learns(*parse_prefix("0.0.0.0/0")));
    policy = parse_route_policy({{"ic-route-learn", "true"}, {"ic-route-learn-default", "true"}});
    EXPECT_TRUE(policy.learns(*parse_prefix("0.0.0.0/0")));
    EXPECT_FALSE(policy.learns(*parse_prefix("fe80::/64")));
}

TEST(RoutePolicy, DeniedNetworks) {
    RoutePolicy policy = parse_route_policy(
        {{"ic-route-adv", "true"}, {"ic-route-blacklist", "10.1.0.0/16, fd77::/48,nonsense,,"}});
    EXPECT_FALSE(policy.advertises(*parse_prefix("10.1.2.0/24")));
    EXPECT_TRUE(policy.advertises(*parse_prefix("10.0.0.0/8")));
    EXPECT_FALSE(policy.advertises(*parse_prefix("fd77::1/64")));
    EXPECT_TRUE(policy.advertises(*parse_prefix("fd78::/64")));
    // The newer name counts first.
    policy = parse_route_policy({{"ic-route-adv", "true"},
                                 {"ic-route-blacklist", "10.0.0.0/8"},
                                 {"ic-route-denylist", "11.0.0.0/8"}});
    EXPECT_TRUE(policy.advertises(*parse_prefix("10.1.0.0/16")));
    EXPECT_FALSE(policy.advertises(*parse_prefix("11.1.0.0/16")));
}

}  // namespace
}  // namespace weft::ic
