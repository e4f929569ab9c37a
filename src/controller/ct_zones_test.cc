#include "controller/ct_zones.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

using Zones = std::map<std::string, uint16_t>;

// The names that want a zone are exactly these.
class Assigner {
  public:
    explicit Assigner(CtZones& zones) : zones_(zones) {}
    void operator()(const std::set<std::string>& wanted, const Zones& requested, bool free_others) {
        for (const std::string& name : wanted_) {
            if (!wanted.contains(name)) zones_.want(name, false);
        }
        for (const std::string& name : wanted) zones_.want(name, true);
        wanted_ = wanted;
        zones_.assign(requested, free_others);
    }

  private:
    CtZones& zones_;
    std::set<std::string> wanted_;
};

TEST(CtZones, StayWhileTheyAreNeeded) {
    CtZones zones;
    Assigner assign(zones);
    assign({"a", "b"}, {}, true);
    const Zones first = zones.zones();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_NE(first.at("a"), first.at("b"));
    EXPECT_EQ(zones.take_to_flush().size(), 2u);
    assign({"b", "c"}, {}, true);
    EXPECT_EQ(zones.zones().size(), 2u);
    EXPECT_EQ(zones.zones().at("b"), first.at("b"));
    assign({}, {}, false);
    EXPECT_EQ(zones.zones().size(), 2u);
}

// Several may ask for one zone, 0 too; who had it by chance gets another, and nobody else gets it.
TEST(CtZones, RequestedOnesAreShared) {
    CtZones zones;
    Assigner assign(zones);
    assign({"p1", "p2", "r1", "r2"}, {}, true);
    (void)zones.take_to_flush();
    const uint16_t of_p1 = zones.zones().at("p1"), of_p2 = zones.zones().at("p2");
    assign({"p1", "p2", "r1", "r2"}, {{"r1", of_p1}, {"r2", of_p1}}, true);
    EXPECT_EQ(zones.zones().at("r1"), of_p1);
    EXPECT_EQ(zones.zones().at("r2"), of_p1);
    EXPECT_EQ(zones.zones().at("p2"), of_p2);
    const uint16_t now_of_p1 = zones.zones().at("p1");
    EXPECT_NE(now_of_p1, of_p1);
    EXPECT_NE(now_of_p1, of_p2);
    // The zone that is shared keeps its connections, the new one must have none.
    EXPECT_EQ(zones.take_to_flush(), std::vector<uint16_t>{now_of_p1});

    assign({"p1", "p2", "r1", "r2"}, {{"r1", 0}, {"r2", of_p1}}, true);
    EXPECT_EQ(zones.zones().at("r1"), 0);
    EXPECT_EQ(zones.zones().at("r2"), of_p1);
    EXPECT_TRUE(zones.take_to_flush().empty());
    // No more asked for: a zone of its own again.
    assign({"p1", "p2", "r1", "r2"}, {{"r2", of_p1}}, true);
    EXPECT_NE(zones.zones().at("r1"), 0);
    EXPECT_NE(zones.zones().at("r1"), of_p1);
    assign({"p1", "p2", "r1"}, {}, true);
    EXPECT_EQ(zones.zones().size(), 3u);
}

TEST(CtZones, RequestedOnesAreNotGivenOut) {
    CtZones zones;
    Assigner assign(zones);
    std::set<std::string> names;
    assign({"r"}, {{"r", 3}}, true);
    names.insert("r");
    for (int n = 0; n < 20; ++n) names.insert("p" + std::to_string(n));
    assign(names, {{"r", 3}}, true);
    std::set<uint16_t> seen;
    for (const auto& [name, zone] : zones.zones()) EXPECT_TRUE(seen.insert(zone).second) << name;
    EXPECT_EQ(zones.zones().at("r"), 3);
}

}  // namespace
}  // namespace weft::controller
