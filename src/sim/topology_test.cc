#include "sim/topology.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::sim {
namespace {

// Two switches on one router: each is one hop from the router and two from the other.
TEST(Topology, HopsAreCountedThroughPatchPorts) {
    Topology topology;
    Uuid left = Uuid::random(), router = Uuid::random(), right = Uuid::random(), elsewhere = Uuid::random();
    topology.add_patch("left-router", left, "router-left");
    topology.add_patch("router-left", router, "left-router");
    topology.add_patch("router-right", router, "right-router");
    topology.add_patch("right-router", right, "router-right");
    topology.add_patch("elsewhere-nowhere", elsewhere, "not-there");
    auto sorted = [](std::vector<Uuid> uuids) {
        std::sort(uuids.begin(), uuids.end());
        return uuids;
    };
    EXPECT_EQ(topology.around({left}, 0), sorted({left}));
    EXPECT_EQ(topology.around({left}, 1), sorted({left, router}));
    EXPECT_EQ(topology.around({left}, 2), sorted({left, router, right}));
    EXPECT_EQ(topology.around({left}, 9), sorted({left, router, right}));
    EXPECT_EQ(topology.around({elsewhere, left}, 0), sorted({elsewhere, left}));
    EXPECT_TRUE(topology.around({}, 3).empty());
}

}  // namespace
}  // namespace weft::sim
