// Packets to controllers: rates, bursts, turns of ports, and what is dropped.

#include "switch/connection/packet_in_limit.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

Bytes message(uint8_t n) {
    return {n};
}

TEST(PacketInLimit, ABurstGoesAtOnceAsMuchWaitsTheRestIsDropped) {
    PacketInLimit limit;
    limit.set_rate({100, 25}, 1000);
    int at_once = 0;
    for (int i = 0; i < 100; i++) at_once += limit.admit(1, message(1), 1000).has_value();
    EXPECT_EQ(at_once, 25);
    EXPECT_EQ(limit.statistics(), (PacketInLimit::Statistics{25, 75, 50, 25}));
    EXPECT_EQ(limit.next_ms(), 1010);
    EXPECT_FALSE(limit.next(1009));
    EXPECT_TRUE(limit.next(1010));
    EXPECT_FALSE(limit.next(1010));
    int later = 0;
    while (limit.next(3000)) later++;
    EXPECT_EQ(later, 24);
    EXPECT_EQ(limit.statistics(), (PacketInLimit::Statistics{25, 75, 50, 0}));
    EXPECT_EQ(limit.next_ms(), std::nullopt);
}

TEST(PacketInLimit, WhatWaitsGoesBeforeWhatComes) {
    PacketInLimit limit;
    limit.set_rate({100, 1}, 0);
    EXPECT_TRUE(limit.admit(1, message(1), 0));
    EXPECT_FALSE(limit.admit(1, message(2), 0));
    EXPECT_FALSE(limit.admit(1, message(3), 50));
    EXPECT_EQ(limit.next(50), message(3)) << "the one before was dropped for it";
}

TEST(PacketInLimit, PortsTakeTurnsAndNoneTakesTheOthersPlaces) {
    PacketInLimit limit;
    limit.set_rate({1000, 4}, 0);
    for (int i = 0; i < 4; i++) EXPECT_TRUE(limit.admit(9, message(0), 0));
    for (int i = 0; i < 10; i++) EXPECT_FALSE(limit.admit(1, message(static_cast<uint8_t>(10 + i)), 0));
    EXPECT_FALSE(limit.admit(2, message(20), 0));
    EXPECT_FALSE(limit.admit(3, message(30), 0));
    std::vector<Bytes> out;
    while (auto next = limit.next(1000)) out.push_back(*next);
    EXPECT_EQ(out, (std::vector<Bytes>{message(18), message(20), message(30), message(19)}));
    EXPECT_EQ(limit.statistics().dropped, 8u);
}

}  // namespace
}  // namespace weft::vswitch
