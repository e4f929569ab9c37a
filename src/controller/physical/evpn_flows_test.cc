// The flows of switches in an EVPN, as text; and what the rows say of such switches.

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/configuration.h"
#include "controller/physical/physical_flows.h"
#include "incremental/definitions.h"
#include "packet/address.h"

namespace weft::controller {
namespace {

namespace sb = schema::sb;
namespace of = openflow;

Uuid id(uint8_t kind, uint8_t number) {
    Uuid uuid;
    uuid.bytes[0] = kind;
    uuid.bytes[1] = number;
    return uuid;
}

packet::Ipv6Addr ip(const char* text) {
    auto v4 = packet::parse_ipv4(text);
    return v4 ? packet::map_ipv4(*v4) : packet::parse_ipv6(text).value();
}

std::string text(const DesiredFlow& flow) {
    of::Match match;
    ByteReader reader(as_bytes(flow.match));
    EXPECT_EQ(of::decode_oxm_match(reader, {}, match), of::OfError::kNone);
    of::ActionList actions;
    EXPECT_EQ(of::decode_instructions(as_bytes(flow.instructions), of::Version::k15, {}, actions),
              of::OfError::kNone);
    return "table=" + std::to_string(flow.table) + ",priority=" + std::to_string(flow.priority) + "," +
           of::to_string(match) + " actions=" + of::to_string(actions);
}

const Uuid kSwitch = id(1, 1), kRouter = id(1, 2);
constexpr uint32_t kKey = kEvpnKeyBit | kEvpnKeyStep;

// A switch with key 5 whose port 3 leads to port 4 of a router with key 6.
struct EvpnFlows : testing::Test {
    SouthboundView view;
    PhysicalFlows physical{view};
    std::map<Uuid, sb::DatapathBinding> datapaths;
    std::map<Uuid, sb::PortBinding> ports;
    std::map<Uuid, sb::MulticastGroup> groups;

    void SetUp() override {
        view.local_datapaths.set(kSwitch, {5, true});
        view.local_datapaths.set(kRouter, {6, false});
        add_port(3, kSwitch, "sw-lr", "lr-sw");
        add_port(4, kRouter, "lr-sw", "sw-lr");
    }
    void add_port(uint8_t number, const Uuid& datapath, const char* name, const char* peer) {
        sb::PortBinding& port = ports[id(2, number)];
        port.uuid = id(2, number);
        port.datapath = datapath;
        port.logical_port = name;
        port.tunnel_key = number;
        port.type = "patch";
        port.options.set("peer", peer);
        view.ports.set(port.uuid, &port);
    }
    void add_group(uint8_t key, const char* name) {
        sb::MulticastGroup& group = groups[id(3, key)];
        group.uuid = id(3, key);
        group.datapath = kSwitch;
        group.name = name;
        group.tunnel_key = 0x8000 + key;
        group.ports = {id(2, 3)};
        view.multicast_groups.set(group.uuid, &group);
    }
    // Those of one table with that word, sorted.
    std::vector<std::string> flows(int table, const std::string& word) {
        view.engine.update();
        std::vector<std::string> out;
        view.flows.for_each([&](const DesiredFlow& flow) {
            std::string line = text(flow);
            if (flow.table == table && line.find(word) != line.npos) out.push_back(line);
        });
        std::sort(out.begin(), out.end());
        return out;
    }
};
using Lines = std::vector<std::string>;

TEST_F(EvpnFlows, OfAPeer) {
    view.evpn_peers.set(kKey, {kSwitch, ip("192.0.2.2"), ip("192.0.2.1"), 10, 7});
    EXPECT_EQ(
        flows(0, "tun_id"),
        (Lines{
            "table=0,priority=110,tun_id=0xa,tun_src=192.0.2.2,tun_dst=192.0.2.1,in_port=7 "
            "actions=set_field:0x5->metadata,set_field:0x80010000->reg14,learn(table=71,hard_timeout=300,"
            "priority=140,"
            "delete_learned,cookie=0x1010000,limit=65536,OXM_OF_METADATA[],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
            "load:NXM_NX_REG14[]->NXM_NX_REG15[]),resubmit(,8)"}));
    EXPECT_EQ(flows(39, "reg15=0x80010000"),
              (Lines{"table=39,priority=100,reg15=0x80010000,metadata=0x5 "
                     "actions=set_field:ANY->in_port,set_field:192.0.2.1->tun_src,"
                     "set_field:192.0.2.2->tun_dst,set_field:0xa/0xffffff->tun_id,output:7",
                     "table=39,priority=110,reg10=0/0x1,reg14=0x80000000/"
                     "0x80000000,reg15=0x80010000,metadata=0x5 actions=drop"}));
    view.evpn_peers.set(kKey, {kSwitch, ip("2001:db8::2"), ip("2001:db8::1"), 10, 7});
    EXPECT_EQ(flows(0, "tun_ipv6_src=2001:db8::2,tun_ipv6_dst=2001:db8::1").size(), 1u);
    EXPECT_EQ(flows(39, "2001:db8::1->tun_ipv6_src,set_field:2001:db8::2->tun_ipv6_dst").size(), 1u);
    EXPECT_EQ(flows(0, "priority=140").size(), 1u);
    view.evpn_peers.set(kKey, {kSwitch, ip("2001:db8::2"), ip("2001:db8::1"), 10, 7, true, 20});
    EXPECT_EQ(flows(0, "learn(table=71,hard_timeout=20,priority=40,").size(), 1u);
    view.local_datapaths.erase(kSwitch);
    EXPECT_EQ(flows(0, "tun_id"), Lines{});
}

TEST_F(EvpnFlows, OfAddresses) {
    packet::EthAddr mac = *packet::parse_eth("02:00:00:00:00:09");
    view.evpn_macs.set({kSwitch, mac}, {kKey, false});
    view.evpn_neighbors.set({kSwitch, ip("10.0.0.9")}, {mac, false});
    EXPECT_EQ(flows(71, "metadata=0x5"), (Lines{"table=71,priority=150,metadata=0x5,dl_dst=02:00:00:00:00:09 "
                                                "actions=set_field:0x80010000->reg15"}));
    // For the router that is on the switch.
    EXPECT_EQ(flows(66, "metadata=0x6"),
              (Lines{"table=66,priority=120,reg0=0xa000009,reg15=0x4,metadata=0x6 "
                     "actions=set_field:02:00:00:00:00:09->eth_dst,set_field:0x40/0x40->reg10"}));
    EXPECT_EQ(flows(67, "priority=120").size(), 1u);
    view.evpn_macs.set({kSwitch, mac}, {kKey, true});
    view.evpn_neighbors.set({kSwitch, ip("10.0.0.9")}, {mac, true});
    EXPECT_EQ(flows(71, "priority=50").size(), 1u);
    EXPECT_EQ(flows(66, "priority=70").size(), 1u);
    view.evpn_macs.erase({kSwitch, mac});
    view.evpn_neighbors.erase({kSwitch, ip("10.0.0.9")});
    EXPECT_EQ(flows(71, ""), Lines{});
    EXPECT_EQ(flows(66, ""), Lines{});
}

TEST_F(EvpnFlows, OfWhatIsFlooded) {
    add_group(0, "_MC_flood");
    add_group(7, "_MC_static");
    EXPECT_EQ(flows(39, "reg15=0x8000,").size(), 1u);
    view.evpn_floods.set(kSwitch, {{kSwitch, ip("192.0.2.2"), ip("192.0.2.1"), 10, 7}});
    Lines lines = flows(39, "reg15=0x8000,");
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("output:7,pop:NXM_OF_IN_PORT[]"), std::string::npos) << lines[0];
    // From a VTEP to the router, but to no VTEP.
    EXPECT_NE(lines[1].find("priority=110,reg14=0x80000000/0x80000000"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("set_field:0x3->reg15,resubmit(,41)"), std::string::npos) << lines[1];
    EXPECT_EQ(lines[1].find("output:7"), std::string::npos) << lines[1];
    // Groups of multicast snooping are not the EVPN's.
    EXPECT_EQ(flows(39, "reg15=0x8007,").size(), 1u);
}

TEST(EvpnSettings, NeedsAllDevices) {
    sb::DatapathBinding row;
    EXPECT_FALSE(evpn_settings(row));
    row.external_ids = {{"dynamic-routing-vni", "10"},
                        {"dynamic-routing-bridge-ifname", "br-10"},
                        {"dynamic-routing-vxlan-ifname", "vxlan-10,vxlan-v6"},
                        {"dynamic-routing-advertise-ifname", "lo-10"},
                        {"dynamic-routing-redistribute", "fdb"}};
    auto settings = evpn_settings(row);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->vxlan, (std::vector<std::string>{"vxlan-10", "vxlan-v6"}));
    EXPECT_TRUE(settings->announces_macs);
    EXPECT_FALSE(settings->announces_ips);
    row.external_ids.erase("dynamic-routing-advertise-ifname");
    EXPECT_FALSE(evpn_settings(row));
}

TEST(EvpnAddresses, OfOneVniComeFirst) {
    std::vector<std::string> bad;
    Configuration c;
    c.evpn_ips = parse_evpn_addresses("192.0.2.1, 10-192.0.2.2,10-2001:db8::2,x,16777216-192.0.2.3", &bad);
    EXPECT_EQ(bad, (std::vector<std::string>{"x", "16777216-192.0.2.3"}));
    EXPECT_EQ(c.evpn_ip(10, true), ip("192.0.2.2"));
    EXPECT_EQ(c.evpn_ip(11, true), ip("192.0.2.1"));
    EXPECT_EQ(c.evpn_ip(10, false), ip("2001:db8::2"));
    EXPECT_EQ(c.evpn_ip(11, false), std::nullopt);
}

}  // namespace
}  // namespace weft::controller
