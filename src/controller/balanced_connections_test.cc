// Which connections end when load balancers change, and that others stay.

#include "controller/balanced_connections.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/ct_zone_limits.h"

namespace weft::controller {
namespace {

namespace sb = schema::sb;

Uuid id(uint8_t kind, uint8_t number = 1) {
    Uuid uuid;
    uuid.bytes[0] = kind;
    uuid.bytes[1] = number;
    return uuid;
}
constexpr uint8_t kBalancer = 1, kSwitch = 2, kRouter = 3, kGroup = 4, kPort = 5;

std::string text(const openflow::CtFlush& flush) {
    auto end = [](const packet::Ipv6Addr& address, uint16_t port) {
        auto v4 = packet::mapped_ipv4(address);
        return (v4 ? packet::ipv4_to_string(*v4) : packet::to_string(address)) + ":" + std::to_string(port);
    };
    return std::to_string(flush.ip_proto) + " " + end(flush.original->dst, flush.original->dst_port) + " " +
           end(flush.reply->src, flush.reply->src_port);
}

struct World {
    SouthboundView view;
    BalancedConnections connections{view};
    std::map<Uuid, sb::LoadBalancer> balancers;
    sb::LogicalDPGroup switches, routers;

    World() {
        switches.uuid = id(kGroup, 1);
        switches.datapaths = {id(kSwitch)};
        routers.uuid = id(kGroup, 2);
        routers.datapaths = {id(kRouter)};
        view.datapath_groups.set(switches.uuid, &switches);
        view.datapath_groups.set(routers.uuid, &routers);
        view.local_datapaths.set(id(kSwitch), {1, true});
    }
    sb::LoadBalancer& add(uint8_t number, ovsdb::StringMap vips, const char* protocol = "tcp") {
        sb::LoadBalancer& row = balancers[id(kBalancer, number)];
        row.uuid = id(kBalancer, number);
        row.vips = std::move(vips);
        row.protocol = protocol;
        row.options = {{"ct_flush", "true"}};
        row.datapath_group = switches.uuid;
        view.load_balancers.set(row.uuid, &row);
        return row;
    }
    void remove(uint8_t number) {
        view.load_balancers.erase(id(kBalancer, number));
        balancers.erase(id(kBalancer, number));
    }
    std::vector<std::string> flushed() {
        for (const auto& [uuid, row] : balancers) view.load_balancers.touch(uuid);
        view.engine.update();
        std::vector<std::string> out;
        for (const openflow::CtFlush& each : connections.take_to_flush()) out.push_back(text(each));
        std::sort(out.begin(), out.end());
        return out;
    }
};
using Texts = std::vector<std::string>;

TEST(BalancedConnections, EndWithTheirBackEnd) {
    World w;
    auto& row =
        w.add(1, {{"10.9.0.1:80", "10.0.0.1:8080,10.0.0.2:8080"}, {"[fd00::9]:80", "[fd00::1]:8080"}});
    EXPECT_EQ(w.flushed(), Texts());
    row.vips = {{"10.9.0.1:80", "10.0.0.2:8080,10.0.0.3:8080"}};
    EXPECT_EQ(w.flushed(), (Texts{"6 10.9.0.1:80 10.0.0.1:8080", "6 fd00::9:80 fd00::1:8080"}));
    row.protocol = "udp";
    EXPECT_EQ(w.flushed(), (Texts{"6 10.9.0.1:80 10.0.0.2:8080", "6 10.9.0.1:80 10.0.0.3:8080"}));
    w.remove(1);
    EXPECT_EQ(w.flushed(), (Texts{"17 10.9.0.1:80 10.0.0.2:8080", "17 10.9.0.1:80 10.0.0.3:8080"}));
}

TEST(BalancedConnections, AreThoseOfLoadBalancersWithTheOption) {
    World w;
    auto& row = w.add(1, {{"10.9.0.1:80", "10.0.0.1:8080"}});
    row.options = {};
    EXPECT_EQ(w.flushed(), Texts());
    w.remove(1);
    EXPECT_EQ(w.flushed(), Texts());
}

TEST(BalancedConnections, StayWhileAnotherLoadBalancerHasThePair) {
    World w;
    w.add(1, {{"10.9.0.1:80", "10.0.0.1:8080"}});
    w.add(2, {{"10.9.0.1:80", "10.0.0.1:8080"}});
    w.flushed();
    w.remove(1);
    EXPECT_EQ(w.flushed(), Texts());
    w.remove(2);
    EXPECT_EQ(w.flushed(), Texts{"6 10.9.0.1:80 10.0.0.1:8080"});
}

TEST(BalancedConnections, AreThoseOfLocalDatapaths) {
    World w;
    auto& row = w.add(1, {{"10.9.0.1", "10.0.0.1"}});
    w.flushed();
    row.datapath_group.reset();
    row.lr_datapath_group = w.routers.uuid;
    EXPECT_EQ(w.flushed(), Texts{"0 10.9.0.1:0 10.0.0.1:0"});
    w.view.local_datapaths.set(id(kRouter), {2, false});
    EXPECT_EQ(w.flushed(), Texts());
    w.view.local_datapaths.erase(id(kRouter));
    EXPECT_EQ(w.flushed(), Texts{"0 10.9.0.1:0 10.0.0.1:0"});
}

// --- limits of zones, which come from the same rows' datapaths

TEST(ZoneLimits, OfPortsSwitchesAndRouters) {
    SouthboundView view;
    OwnPorts own(view);
    auto limits = [&](const std::map<std::string, uint16_t>& zones) {
        for (const std::string& name : view.ct_zones.keys()) view.ct_zones.erase(name);
        for (const auto& [name, zone] : zones) view.ct_zones.set(name, zone);
        view.engine.update();
        return wanted_zone_limits(own);
    };
    sb::DatapathBinding sw, lr;
    sw.external_ids = {{"ct-zone-limit", "100"}};
    lr.external_ids = {{"ct-zone-limit", "50"}};
    view.datapaths.set(id(kSwitch), &sw);
    view.datapaths.set(id(kRouter), &lr);
    view.local_datapaths.set(id(kSwitch), {1, true});
    view.local_datapaths.set(id(kRouter), {2, false});
    std::map<uint8_t, sb::PortBinding> ports;
    for (uint8_t n : {1, 2, 3}) {
        ports[n].uuid = id(kPort, n);
        ports[n].logical_port = "p" + std::to_string(n);
        ports[n].datapath = id(kSwitch);
        view.ports.set(id(kPort, n), &ports[n]);
    }
    ports[2].options = {{"ct-zone-limit", "0"}};
    ports[3].options = {{"ct-zone-limit", "many"}};
    std::string router = id(kRouter).to_string(), of_switch = id(kSwitch).to_string();
    std::map<std::string, uint16_t> zones = {{"p1", 1},
                                             {"p2", 2},
                                             {"p3", 3},
                                             {"gone", 4},
                                             {router + "_dnat", 5},
                                             {router + "_snat", 6},
                                             {of_switch + "_dnat", 7}};
    EXPECT_EQ(limits(zones), (std::map<uint16_t, int64_t>{{1, 100}, {2, 0}, {3, 100}, {5, 50}, {6, 50}}));
    // A shared zone has the narrowest of its limits; 0 is none.
    zones = {{"p1", 1}, {"p2", 1}, {router + "_snat", 1}};
    EXPECT_EQ(limits(zones), (std::map<uint16_t, int64_t>{{1, 50}}));
}

}  // namespace
}  // namespace weft::controller
