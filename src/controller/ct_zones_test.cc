#include "controller/ct_zones.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

using Zones = std::map<std::string, uint16_t>;

TEST(CtZones, StayWhileTheyAreNeeded) {
    CtZones zones;
    zones.assign({"a", "b"}, {}, true);
    const Zones first = zones.zones();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_NE(first.at("a"), first.at("b"));
    EXPECT_EQ(zones.take_to_flush().size(), 2u);
    zones.assign({"b", "c"}, {}, true);
    EXPECT_EQ(zones.zones().size(), 2u);
    EXPECT_EQ(zones.zones().at("b"), first.at("b"));
    zones.assign({}, {}, false);
    EXPECT_EQ(zones.zones().size(), 2u);
}

// Several may ask for one zone, 0 too; who had it by chance gets another, and nobody else gets it.
TEST(CtZones, RequestedOnesAreShared) {
    CtZones zones;
    zones.assign({"p1", "p2", "r1", "r2"}, {}, true);
    (void)zones.take_to_flush();
    const uint16_t of_p1 = zones.zones().at("p1"), of_p2 = zones.zones().at("p2");
    zones.assign({"p1", "p2", "r1", "r2"}, {{"r1", of_p1}, {"r2", of_p1}}, true);
    EXPECT_EQ(zones.zones().at("r1"), of_p1);
    EXPECT_EQ(zones.zones().at("r2"), of_p1);
    EXPECT_EQ(zones.zones().at("p2"), of_p2);
    const uint16_t now_of_p1 = zones.zones().at("p1");
    EXPECT_NE(now_of_p1, of_p1);
    EXPECT_NE(now_of_p1, of_p2);
    // The zone that is shared keeps its connections, the new one must have none.
    EXPECT_EQ(zones.take_to_flush(), std::vector<uint16_t>{now_of_p1});

    zones.assign({"p1", "p2", "r1", "r2"}, {{"r1", 0}, {"r2", of_p1}}, true);
    EXPECT_EQ(zones.zones().at("r1"), 0);
    EXPECT_EQ(zones.zones().at("r2"), of_p1);
    EXPECT_TRUE(zones.take_to_flush().empty());
    // No more asked for: a zone of its own again.
    zones.assign({"p1", "p2", "r1", "r2"}, {{"r2", of_p1}}, true);
    EXPECT_NE(zones.zones().at("r1"), 0);
    EXPECT_NE(zones.zones().at("r1"), of_p1);
    zones.assign({"p1", "p2", "r1"}, {}, true);
    EXPECT_EQ(zones.zones().size(), 3u);
}

TEST(CtZones, RequestedOnesAreNotGivenOut) {
    CtZones zones;
    std::set<std::string> names;
    zones.assign({"r"}, {{"r", 3}}, true);
    names.insert("r");
    for (int n = 0; n < 20; ++n) names.insert("p" + std::to_string(n));
    zones.assign(names, {{"r", 3}}, true);
    std::set<uint16_t> seen;
    for (const auto& [name, zone] : zones.zones()) EXPECT_TRUE(seen.insert(zone).second) << name;
    EXPECT_EQ(zones.zones().at("r"), 3);
}

}  // namespace
}  // namespace weft::controller
