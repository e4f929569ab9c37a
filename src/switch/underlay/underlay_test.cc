// Routes and neighbours under tunnels; beside Debian's switch in tests/interop/native_tunnel_test.py.

#include <gtest/gtest.h>

#include "packet/address.h"
#include "switch/underlay/neighbour_table.h"
#include "switch/underlay/route_table.h"

namespace weft::vswitch {
namespace {

constexpr packet::EthAddr kMac = {2, 0, 0, 0, 0, 1}, kOther = {2, 0, 0, 0, 0, 2};

packet::Ipv6Addr address(const char* text) {
    return *parse_address(text);
}

UnderlayRoute route(const char* network, const char* device, const char* gateway = nullptr,
                    uint32_t mark = 0) {
    ParsedNetwork parsed = *parse_network(network);
    UnderlayRoute out;
    out.network = parsed.network;
    out.bits = parsed.bits;
    out.device = device;
    if (gateway) out.gateway = address(gateway);
    out.mark = mark;
    return out;
}

TEST(RouteTable, TheLongestPrefixWinsAndOfEqualOnesTheUsers) {
    RouteTable table;
    std::vector<UnderlayAddress> own = {{address("1.1.2.88"), 120}, {address("2001:cafe::88"), 64}};
    UnderlayRoute system = route("0.0.0.0/0", "eth0", "192.0.2.1");
    system.source = address("192.0.2.2");
    UnderlayRoute same = route("1.1.2.0/24", "eth1");
    table.set_system({system, same});
    EXPECT_EQ(table.find(address("1.1.2.7"), 0)->device, "eth1");
    ASSERT_TRUE(table.add(route("1.1.2.92/24", "br-phy"), own));
    EXPECT_EQ(table.find(address("1.1.2.7"), 0)->device, "br-phy");
    EXPECT_EQ(table.find(address("1.1.2.7"), 0)->source, address("1.1.2.88"));
    EXPECT_EQ(table.find(address("9.9.9.9"), 0)->device, "eth0");
    ASSERT_TRUE(table.add(route("9.9.9.0/24", "br-phy", "1.1.2.1", 7), own));
    EXPECT_EQ(table.find(address("9.9.9.9"), 0)->device, "eth0");
    EXPECT_EQ(table.find(address("9.9.9.9"), 7)->device, "br-phy");
    EXPECT_EQ(table.find(address("2001:cafe::1"), 0), nullptr);
    EXPECT_FALSE(table.remove(address("9.9.9.0"), 120, 0));
    EXPECT_TRUE(table.remove(address("9.9.9.0"), 120, 7));
}

TEST(RouteTable, ARouteNeedsAnAddressNearItsNextHop) {
    RouteTable table;
    std::vector<UnderlayAddress> own = {{address("1.1.2.88"), 120}};
    EXPECT_FALSE(table.add(route("5.5.0.0/16", "br-phy"), own));
    EXPECT_FALSE(table.add(route("5.5.0.0/16", "br-phy", "1.1.3.1"), own));
    EXPECT_FALSE(table.add(route("2001:db8::/32", "br-phy"), own));
    EXPECT_TRUE(table.add(route("5.5.0.0/16", "br-phy", "1.1.2.1"), own));
    EXPECT_EQ(table.text(), "Route Table:\nUser: 5.5.0.0/16 dev br-phy GW 1.1.2.1 SRC 1.1.2.88\n");
}

TEST(RouteTable, Networks) {
    for (const char* text :
         {"", "foo", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x", "1.2.3.4/-1", "::/129", "1.2.3/8"})
        EXPECT_FALSE(parse_network(text)) << text;
    EXPECT_EQ(parse_network("1.2.3.4/0")->bits, 96);
    EXPECT_EQ(parse_network("1.2.3.4")->bits, 128);
    EXPECT_EQ(parse_network("2001:db8:ffff::1/33")->network, address("2001:db8:8000::"));
    EXPECT_FALSE(in_network(address("1.2.3.4"), address("::"), 97));
}

TEST(NeighbourTable, EntriesInUseStay) {
    NeighbourTable table;
    table.set_aging(10);
    EXPECT_TRUE(table.learn("br-phy", address("1.1.2.1"), kMac, 0));
    EXPECT_FALSE(table.learn("br-phy", address("1.1.2.1"), kMac, 0));
    EXPECT_TRUE(table.learn("br-phy", address("1.1.2.1"), kOther, 0));  // it has another card
    EXPECT_TRUE(table.learn("br-phy", address("1.1.2.2"), kMac, 0));
    EXPECT_EQ(table.find("br-phy", address("1.1.2.1")), kOther);
    EXPECT_EQ(table.find("br-int", address("1.1.2.1")), std::nullopt);
    table.used("br-phy", address("1.1.2.1"), 5000);
    EXPECT_FALSE(table.expire(9999));
    EXPECT_TRUE(table.expire(10000));
    EXPECT_TRUE(table.find("br-phy", address("1.1.2.1")));
    EXPECT_FALSE(table.find("br-phy", address("1.1.2.2")));
    EXPECT_TRUE(table.expire(15000));
}

TEST(NeighbourTable, AskedForOnceASecondWhileWanted) {
    NeighbourTable table;
    EXPECT_TRUE(table.ask("br-phy", address("1.1.2.1"), 0));
    EXPECT_FALSE(table.ask("br-phy", address("1.1.2.1"), 999));
    EXPECT_TRUE(table.ask("br-phy", address("1.1.2.1"), 1000));
    EXPECT_TRUE(table.ask("br-phy", address("1.1.2.2"), 1000));
    EXPECT_TRUE(table.asking());
    table.learn("br-phy", address("1.1.2.1"), kMac, 1500);
    EXPECT_TRUE(table.asking());
    table.expire(11000);  // nobody wants it any more
    EXPECT_FALSE(table.asking());
}

}  // namespace
}  // namespace weft::vswitch
