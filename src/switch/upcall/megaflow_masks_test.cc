#include "switch/upcall/megaflow_masks.h"

#include <fmt/core.h>

#include <random>

#include "packet/compose.h"
#include "packet/ethernet.h"
#include "switch/upcall/test_world.h"

namespace weft::vswitch {
namespace {

packet::Flow mask_of(uint32_t bits) {
    packet::Flow mask = packet::zero_flow();
    mask.dl_type = 0xffff;
    mask.nw_dst = bits;
    return mask;
}

TEST(MegaflowMasks, APortBringsNoMoreThanAreLeft) {
    MegaflowMasks masks(8);
    std::vector<MegaflowMasks::Id> held;
    for (uint32_t i = 1; i <= 20; ++i) {
        packet::Flow mask = mask_of(i);
        held.push_back(masks.hold(mask, 1));
        bool widened = mask.nw_dst != i;
        EXPECT_EQ(widened, i > 4) << i;
        // What was to be looked at still is.
        EXPECT_EQ(mask.nw_dst & i, i);
        EXPECT_EQ(mask.dl_type, 0xffff);
    }
    EXPECT_EQ(masks.size(), 5u);
    EXPECT_EQ(masks.widened(), 1u);
    packet::Flow other = mask_of(100), known = mask_of(1);
    held.push_back(masks.hold(other, 2));
    EXPECT_EQ(other.nw_dst, 100u);
    held.push_back(masks.hold(known, 2));
    EXPECT_EQ(known.nw_dst, 1u);
    EXPECT_EQ(masks.size(), 6u);
    for (MegaflowMasks::Id id : held) masks.release(id);
    EXPECT_EQ(masks.size(), 0u);
    EXPECT_EQ(masks.widened(), 0u);
    packet::Flow again = mask_of(7);
    masks.hold(again, 1);
    EXPECT_EQ(again.nw_dst, 7u);
}

// Prefixes of all lengths of both addresses and both ports, and packets that end at each.
TEST(MegaflowMasks, PacketsOfOneTenantDoNotMakeThemMany) {
    net::Loop loop;
    TestWorld world(loop);
    for (uint32_t port : {1u, 2u, 3u}) world.add_port("br0", port);
    for (int bits = 1; bits <= 32; ++bits) {
        world.must_flow(
            "br0", fmt::format("table=0,priority={},ip,nw_src=10.0.0.0/{},actions=resubmit(,1)", bits, bits));
        world.must_flow(
            "br0", fmt::format("table=1,priority={},ip,nw_dst=10.0.0.0/{},actions=output:3", bits, bits));
    }
    world.must_flow("br0", "table=0,priority=0,actions=resubmit(,1)");
    world.must_flow("br0", "table=1,priority=0,actions=output:3");
    std::mt19937 random(7);
    auto send = [&](uint32_t port) {
        packet::Flow flow = packet::zero_flow();
        flow.dl_type = packet::ethernet::kIpv4;
        flow.nw_src = 0x0a000000 ^ (1u << (random() % 32));
        flow.nw_dst = 0x0a000000 ^ (1u << (random() % 32));
        flow.nw_ttl = 64;
        flow.nw_proto = 17;
        world.receive(port, packet::compose(flow, 10));
    };
    for (int i = 0; i < 4000; ++i) send(1);
    auto stats = world.backer().datapath().stats();
    EXPECT_GT(stats.flows, 500u);
    EXPECT_LE(stats.masks, world.backer().datapath().features().masks / 2 + 8);
    for (int i = 0; i < 4000; ++i) send(2);
    EXPECT_LE(world.backer().datapath().stats().masks, world.backer().datapath().features().masks + 16);
}

}  // namespace
}  // namespace weft::vswitch
