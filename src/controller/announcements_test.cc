#include "controller/announcements.h"

#include <gtest/gtest.h>

namespace weft::controller {
namespace {

std::vector<int64_t> times_of(Announcer& announcer, int64_t until_ms) {
    std::vector<int64_t> times;
    while (announcer.next_ms() && *announcer.next_ms() <= until_ms) {
        int64_t now = *announcer.next_ms();
        EXPECT_EQ(announcer.take_due(now).size(), 1u);
        times.push_back(now);
    }
    return times;
}

TEST(Announcer, SendsFiveTimesAtGrowingIntervals) {
    Announcer announcer;
    announcer.set({Announcement{1, 2, {2, 0, 0, 0, 0, 1}, 0x0a000001}}, 1000);
    EXPECT_EQ(times_of(announcer, 1'000'000), (std::vector<int64_t>{1000, 3000, 7000, 15000, 31000}));
    EXPECT_FALSE(announcer.next_ms());
    // What goes on being wanted is not announced anew; what comes back is.
    announcer.set({Announcement{1, 2, {2, 0, 0, 0, 0, 1}, 0x0a000001}}, 100'000);
    EXPECT_FALSE(announcer.next_ms());
    announcer.set({}, 100'000);
    announcer.set({Announcement{1, 2, {2, 0, 0, 0, 0, 1}, 0x0a000001}}, 200'000);
    EXPECT_EQ(announcer.next_ms(), 200'000);
}

TEST(Announcer, GoesOnWithALongestInterval) {
    Announcer announcer;
    announcer.set_max_interval_ms(5000);
    announcer.set({Announcement{1, 2, {2, 0, 0, 0, 0, 1}, std::nullopt}}, 0);
    EXPECT_EQ(times_of(announcer, 20'000), (std::vector<int64_t>{0, 2000, 6000, 11000, 16000}));
}

TEST(Announcer, Packets) {
    packet::Packet arp = make_announcement({1, 2, {2, 0, 0, 0, 0, 1}, 0x0a000001});
    ByteView bytes = arp.view();
    ASSERT_GE(bytes.size(), 42u);
    EXPECT_EQ(load_be16(&bytes[12]), 0x0806);
    EXPECT_EQ(load_be16(&bytes[20]), 1);
    EXPECT_EQ(load_be32(&bytes[28]), 0x0a000001u);
    EXPECT_EQ(load_be32(&bytes[38]), 0x0a000001u);
    packet::Packet rarp = make_announcement({1, 2, {2, 0, 0, 0, 0, 1}, std::nullopt});
    bytes = rarp.view();
    EXPECT_EQ(load_be16(&bytes[12]), 0x8035);
    EXPECT_EQ(load_be16(&bytes[20]), 3);
}

}  // namespace
}  // namespace weft::controller
