#include "switch/protocols/lldp.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using packet::Lldpdu;
using packet::LldpId;

LldpOptions options() {
    LldpOptions out;
    out.mac = {2, 0, 0, 0, 0, 1};
    out.port_name = "p1";
    out.mappings = {{1000, 5}, {2000, 6}};
    return out;
}

Lldpdu neighbor(uint8_t number, uint16_t ttl = 120) {
    Lldpdu unit;
    unit.chassis = {LldpId::kChassisMac, {2, 0, 0, 0, 0, number}};
    unit.port = {LldpId::kPortInterfaceName, {'x'}};
    unit.ttl_s = ttl;
    return unit;
}

TEST(LldpAgent, TellsEveryFiveSeconds) {
    Lldp lldp(options(), 1000);
    EXPECT_FALSE(lldp.poll(5999));
    EXPECT_EQ(lldp.next_wakeup_ms(), 6000);
    auto unit = lldp.poll(6000);
    ASSERT_TRUE(unit);
    EXPECT_FALSE(lldp.poll(6000));
    EXPECT_EQ(lldp.next_wakeup_ms(), 11000);
    EXPECT_EQ(unit->chassis.value, (Bytes{2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(unit->ttl_s, 120);
    EXPECT_FALSE(unit->system_name);
    EXPECT_EQ(unit->assignments.size(), 2u);
    EXPECT_EQ(unit->element->type, 14);
    LldpOptions o = options();
    o.system_name = "name", o.system_description = "text";
    o.mappings.clear();
    lldp.configure(o);
    unit = lldp.poll(11000);
    EXPECT_EQ(unit->system_name, "name");
    EXPECT_EQ(unit->system_description, "text");
    EXPECT_TRUE(unit->assignments.empty());
}

TEST(LldpAgent, NeighborsComeAndGo) {
    Lldp lldp(options(), 0);
    lldp.receive(neighbor(1, 3).encode(), 0);
    lldp.receive(neighbor(2, 60).encode(), 0);
    lldp.receive(neighbor(1, 3).encode(), 1000);  // again: it lives on
    EXPECT_EQ(lldp.neighbors(), 2u);
    (void)lldp.poll(3999);
    EXPECT_EQ(lldp.neighbors(), 2u);
    EXPECT_EQ(lldp.next_wakeup_ms(), 4000);
    (void)lldp.poll(4000);
    EXPECT_EQ(lldp.neighbors(), 1u);
    lldp.receive(neighbor(2, 0).encode(), 4000);  // it says that it goes
    lldp.receive(neighbor(3, 0).encode(), 4000);  // nobody knew it
    EXPECT_EQ(lldp.neighbors(), 0u);
    Bytes short_unit = neighbor(4).encode();
    short_unit.resize(10);
    lldp.receive(short_unit, 4000);
    const auto& c = lldp.counters();
    EXPECT_EQ(c.rx, 6u);
    EXPECT_EQ(c.discarded, 1u);
    EXPECT_EQ(c.inserted, 2u);
    EXPECT_EQ(c.aged_out, 1u);
    EXPECT_EQ(c.deleted, 1u);
}

TEST(LldpAgent, ManyNeighborsAreBounded) {
    Lldp lldp(options(), 0);
    for (uint8_t n = 0; n < 100; ++n) lldp.receive(neighbor(n).encode(), 0);
    EXPECT_EQ(lldp.neighbors(), Lldp::kMostNeighbors);
    EXPECT_EQ(lldp.counters().dropped, 100 - Lldp::kMostNeighbors);
}

TEST(LldpAgent, TheNetworkAnswersForServices) {
    Lldp lldp(options(), 0);
    EXPECT_EQ(lldp.mapping_status(1000), packet::AutoAttachAssignment::kPending);
    Lldpdu unit = neighbor(1);
    unit.element.emplace();
    unit.element->system_id = {9, 8, 7, 0, 0, 0, 0xff, 0xfe, 1, 2};
    unit.assignments = {{2, 5, 1000}, {3, 7, 2000}, {2, 9, 3000}};  // the second of another VLAN
    unit.system_description = "a\nb";
    lldp.receive(unit.encode(), 0);
    EXPECT_EQ(lldp.show_status(),
              "LLDP: p1\n  Auto Attach Primary Server Id: 02:00:00:00:00:01\n"
              "  Auto Attach Primary Server Descr: a?b\n"
              "  Auto Attach Primary Server System Id: 09:08:07:00:00:00:07:00:fe:03:01:02\n");
    EXPECT_EQ(lldp.show_isids(),
              "LLDP: p1\nI-SID    VLAN Source      Status  \n-------- ---- ----------- --------\n"
              "1000     5    Switch      Active     \n2000     6    Switch      Pending    \n");
    LldpOptions o = options();
    o.mappings.erase(1000);
    lldp.configure(o);
    lldp.configure(options());  // a new mapping begins anew
    EXPECT_EQ(lldp.mapping_status(1000), packet::AutoAttachAssignment::kPending);
}

}  // namespace
}  // namespace weft::vswitch
