#include "switch/ofproto/multicast_table.h"

#include <gtest/gtest.h>

#include "packet/address.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {
namespace {

packet::Ipv6Addr group(uint8_t last) {
    return packet::map_ipv4(0xe1010200u + last);
}

using Joined = MulticastTable::Joined;

struct World {
    MulticastTable table;
    Bundle a{.name = "a"}, b{.name = "b"};
    World() { table.set_enabled(true); }
    size_t members(uint8_t last, uint16_t vlan = 0) {
        const MulticastTable::Group* found = table.find(group(last), vlan);
        return found ? found->members.size() : 0;
    }
};

TEST(MulticastTable, MembersComeAndGo) {
    World w;
    uint64_t before = w.table.generation();
    EXPECT_EQ(w.table.join(group(1), 0, &w.a, 0), Joined::kNewGroup);
    EXPECT_NE(w.table.generation(), before);
    before = w.table.generation();
    EXPECT_EQ(w.table.join(group(1), 0, &w.a, 1000), Joined::kRenewed) << "a renewal";
    EXPECT_EQ(w.table.generation(), before) << "which changes nothing";
    EXPECT_EQ(w.table.join(group(1), 0, &w.b, 2000), Joined::kNewMember);
    EXPECT_EQ(w.table.join(group(1), 7, &w.a, 2000), Joined::kNewGroup) << "another VLAN is another group";
    EXPECT_EQ(w.members(1), 2u);
    EXPECT_TRUE(w.table.leave(group(1), 0, &w.a));
    EXPECT_FALSE(w.table.leave(group(1), 0, &w.a));
    EXPECT_EQ(w.members(1), 1u);
    w.table.forget(&w.b);
    EXPECT_EQ(w.members(1), 0u);
    EXPECT_EQ(w.table.groups().size(), 1u);
    w.table.flush();
    EXPECT_TRUE(w.table.groups().empty());
}

TEST(MulticastTable, Ages) {
    World w;
    w.table.join(group(1), 0, &w.a, 0);
    w.table.join(group(1), 0, &w.b, 1000);
    w.table.join(group(2), 0, &w.a, 0);
    w.table.note_router(0, &w.b, 0);
    w.table.expire(179'999);
    EXPECT_EQ(w.table.routers().size(), 1u);
    w.table.expire(180'000);
    EXPECT_TRUE(w.table.routers().empty());
    EXPECT_EQ(w.members(1), 2u);
    w.table.join(group(2), 0, &w.a, 200'000);
    w.table.expire(300'000);
    EXPECT_EQ(w.members(1), 1u);
    EXPECT_EQ(w.members(2), 1u) << "renewed";
    w.table.expire(301'000);
    EXPECT_EQ(w.members(1), 0u);
    w.table.set_limits(15, 2048);
    w.table.expire(301'001);
    EXPECT_EQ(w.members(2), 0u) << "a new age holds for what is there";
}

TEST(MulticastTable, IsBounded) {
    World w;
    w.table.set_limits(300, 3);
    for (uint8_t i = 1; i <= 3; ++i) w.table.join(group(i), 0, &w.a, i);
    w.table.join(group(1), 0, &w.b, 4);
    w.table.join(group(4), 0, &w.b, 5);
    EXPECT_EQ(w.table.groups().size(), 3u);
    EXPECT_EQ(w.members(2), 0u) << "the least recently used";
    EXPECT_EQ(w.members(1), 2u);
    w.table.set_limits(300, 1);
    EXPECT_EQ(w.table.groups().size(), 1u);
    EXPECT_EQ(w.members(4), 1u);
    for (uint16_t vlan = 0; vlan < 10; ++vlan) w.table.note_router(vlan, &w.a, 6);
    EXPECT_EQ(w.table.routers().size(), 1u);
    EXPECT_TRUE(w.table.is_router(9, &w.a));
}

TEST(MulticastTable, RouterPortsAreNoMembers) {
    World w;
    EXPECT_TRUE(w.table.note_router(5, &w.a, 0));
    EXPECT_FALSE(w.table.note_router(5, &w.a, 10));
    EXPECT_EQ(w.table.join(group(1), 5, &w.a, 20), Joined::kRenewed);
    EXPECT_EQ(w.table.join(group(1), 6, &w.a, 20), Joined::kNewGroup) << "in another VLAN they may be";
    w.table.forget(&w.a);
    EXPECT_TRUE(w.table.routers().empty());
    EXPECT_TRUE(w.table.groups().empty());
}

}  // namespace
}  // namespace weft::vswitch
