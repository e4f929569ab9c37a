// What comes out of a datapath with dummy ports for what goes in.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "datapath/api/commit.h"
#include "datapath/api/test_packet_table.h"
#include "datapath/dummy/dummy_device.h"
#include "datapath/userspace/meter_table.h"
#include "datapath/userspace/tunnel_header.h"
#include "datapath/userspace/userspace_datapath.h"
#include "packet/address.h"
#include "packet/compose.h"
#include "packet/ethernet.h"
#include "packet/extract.h"

namespace weft::datapath {
namespace {

struct Upcalls : UpcallHandler {
    void handle(std::vector<Upcall> upcalls) override {
        for (Upcall& up : upcalls) seen.push_back(std::move(up));
    }
    std::vector<Upcall> seen;
};

class DatapathTest : public ::testing::Test {
  protected:
    void SetUp() override {
        auto made = create_dummy_datapath(loop_, "ovs-dummy");
        ASSERT_TRUE(made.ok()) << made.message();
        datapath_ = std::move(*made);
        for (PortNo number : {1u, 2u, 3u}) {
            PortSpec spec;
            spec.name = "p" + std::to_string(number);
            spec.type = PortType::kDummy;
            spec.number = number;
            auto added = datapath_->add_port(spec);
            ASSERT_TRUE(added.ok()) << added.message();
            find_dummy_device(spec.name)->take_sent();
        }
        datapath_->set_upcall_handler(&upcalls_);
    }

    void add_flow(std::string_view match, std::string_view actions) {
        auto flow = flow_put(match, actions);
        ASSERT_TRUE(flow.ok()) << flow.message();
        auto done = datapath_->put_flow(*flow);
        ASSERT_TRUE(done.ok()) << done.message();
        last_ufid_ = flow->ufid;
    }

    Flow key(std::string_view text) {
        auto parsed = parse_key(text);
        EXPECT_TRUE(parsed.ok()) << parsed.message();
        return *parsed;
    }

    void inject(std::string_view text) { find_dummy_device("p1")->receive(packet::compose(key(text), 26)); }

    // The keys of what left a port since the last call, as text without metadata.
    std::vector<std::string> sent(std::string_view port) {
        std::vector<std::string> out;
        for (const Packet& packet : find_dummy_device(port)->take_sent()) {
            Flow flow = packet::zero_flow();
            packet::extract(packet, flow);
            std::string text = format_key(flow);
            out.push_back(text.substr(text.find("eth(")));
        }
        return out;
    }

    net::Loop loop_;
    std::unique_ptr<Datapath> datapath_;
    Upcalls upcalls_;
    Ufid last_ufid_;
};

constexpr std::string_view kPing =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
constexpr std::string_view kTcp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=80),tcp_flags(syn)";
constexpr std::string_view kAny = "recirc_id(0),in_port(1)";

TEST_F(DatapathTest, AMissGoesUpWithItsKey) {
    inject(kPing);
    ASSERT_EQ(upcalls_.seen.size(), 1u);
    EXPECT_EQ(upcalls_.seen[0].type, Upcall::Type::kMiss);
    EXPECT_EQ(
        format_key(upcalls_.seen[0].key),
        "skb_priority(0),skb_mark(0),ct_state(0),ct_zone(0),ct_mark(0),ct_label(0),recirc_id(0),dp_hash(0),"
        "in_port(1),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),"
        "ipv4(src=192.168.0.1,dst=192.168.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)");
    EXPECT_EQ(datapath_->stats().misses, 1u);
}

TEST_F(DatapathTest, PacketTable) {
    Recorder recorder;
    datapath_->set_upcall_handler(&recorder);
    run_packet_table(*datapath_, true, [&](const Packet& packet, const Fate&) {
        find_dummy_device("p1")->receive(packet);
        Fate fate;
        for (PortNo port : {1u, 2u, 3u}) {
            for (Packet& one : find_dummy_device(fmt::format("p{}", port))->take_sent())
                record(fate.out[port], std::move(one));
        }
        fate.upcalls = recorder.take();
        return fate;
    });
    datapath_->set_upcall_handler(&upcalls_);
}

TEST_F(DatapathTest, RecirculationLooksUpAgain) {
    add_flow(kAny, "set(ipv4(ttl=9)),hash(sym_l4(0)),recirc(0x7)");
    inject(kTcp);
    ASSERT_EQ(upcalls_.seen.size(), 1u);
    EXPECT_EQ(upcalls_.seen[0].key.recirc_id, 7u);
    EXPECT_EQ(upcalls_.seen[0].key.nw_ttl, 9);
    EXPECT_NE(upcalls_.seen[0].key.dp_hash, 0u);
    add_flow("recirc_id(0x7),in_port(1),eth_type(0x0800),ipv4(ttl=9)", "2");
    inject(kTcp);
    EXPECT_EQ(sent("p2").size(), 1u);
    // For ever round: it ends.
    add_flow("recirc_id(0x8),in_port(1)", "recirc(0x8)");
    auto actions = parse_actions("recirc(0x8)");
    Execute request;
    request.packet = packet::compose(key(kTcp));
    request.key = key("in_port(1)");
    request.actions = &*actions;
    ASSERT_TRUE(datapath_->execute(std::move(request)).ok());
    EXPECT_EQ(datapath_->stats().drops[static_cast<size_t>(explain::DropReason::kRecursionTooDeep)], 1u);
}

TEST_F(DatapathTest, UserspaceActionCarriesItsData) {
    add_flow(kAny, "set(eth(src=00:00:00:00:00:09)),trunc(40),userspace(pid=0,userdata(0102),actions),2");
    inject(kPing);
    ASSERT_EQ(upcalls_.seen.size(), 1u);
    const Upcall& up = upcalls_.seen[0];
    EXPECT_EQ(up.type, Upcall::Type::kAction);
    EXPECT_EQ(up.userdata, (Bytes{1, 2}));
    EXPECT_EQ(up.packet.size(), 40u);
    EXPECT_EQ(up.actions.size(), 4u);
    EXPECT_EQ(up.key.dl_src, *packet::parse_eth("00:00:00:00:00:09"));
    EXPECT_EQ(find_dummy_device("p2")->take_sent().at(0).size(), 68u);
}

TEST_F(DatapathTest, StatisticsAndDump) {
    add_flow("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(proto=6,frag=no)", "2");
    for (int i = 0; i < 3; i++) inject(kTcp);
    int flows = 0;
    datapath_->dump_flows([&](const FlowDump& dump) {
        flows++;
        EXPECT_EQ(dump.stats.packets, 3u);
        EXPECT_EQ(dump.stats.bytes, 3 * 80u);
        std::string text = format_flow(dump);
        text.replace(text.find("used:"), text.find('s', text.find("used:") + 6) - text.find("used:"),
                     "used:0");
        EXPECT_EQ(text,
                  "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(proto=6,frag=no), "
                  "packets:3, "
                  "bytes:240, used:0s, flags:S, actions:2");
    });
    EXPECT_EQ(flows, 1);
    auto port = datapath_->port_stats(2);
    ASSERT_TRUE(port.ok());
    EXPECT_EQ(port->tx_packets, 3u);
    auto gone = datapath_->delete_flow(last_ufid_);
    ASSERT_TRUE(gone.ok());
    EXPECT_EQ(gone->packets, 3u);
    inject(kTcp);
    EXPECT_EQ(upcalls_.seen.size(), 1u);
}

TEST_F(DatapathTest, PutCreatesOrModifies) {
    FlowPut put;
    put.ufid = Uuid::random();
    put.key = packet::zero_flow();
    put.mask = packet::zero_flow();
    put.mask.in_port = UINT32_MAX;
    put.key.in_port = 1;
    put.create = false;
    EXPECT_FALSE(datapath_->put_flow(put).ok());
    put.create = true;
    put.modify = false;
    EXPECT_TRUE(datapath_->put_flow(put).ok());
    EXPECT_FALSE(datapath_->put_flow(put).ok());
    put.modify = true;
    put.actions = *parse_actions("2");
    EXPECT_TRUE(datapath_->put_flow(put).ok());
    inject(kTcp);
    EXPECT_EQ(sent("p2").size(), 1u);
}

TEST_F(DatapathTest, WhatIsNotTrackedIsRefusedClearly) {
    FlowPut put;
    put.ufid = Uuid::random();
    put.key = put.mask = packet::zero_flow();
    put.actions = *parse_actions("clone(ct(commit,helper=sip),2)");
    auto done = datapath_->put_flow(put);
    EXPECT_EQ(done.message(), "the ct action's helper \"sip\" is not supported: there are ftp and tftp");
    put.actions = *parse_actions("clone(ct(commit,helper=ftp),2)");
    EXPECT_TRUE(datapath_->put_flow(put).ok());
}

TEST_F(DatapathTest, Ports) {
    PortSpec spec;
    spec.name = "p1";
    spec.type = PortType::kDummy;
    EXPECT_EQ(datapath_->add_port(spec).message(), "p1 is a port of this datapath already");
    spec.name = "q";
    spec.number = 2;
    EXPECT_EQ(datapath_->add_port(spec).message(), "port 2 is p2 already");
    spec.number = kNoPort;
    auto number = datapath_->add_port(spec);
    ASSERT_TRUE(number.ok());
    EXPECT_EQ(*number, 4u);
    EXPECT_TRUE(datapath_->delete_port(4).ok());
    EXPECT_FALSE(datapath_->delete_port(4).ok());
    EXPECT_EQ(datapath_->ports().size(), 4u);
    EXPECT_EQ(datapath_->find_port(0)->name, "ovs-dummy");
}

// The megaflow table against a linear search.
TEST_F(DatapathTest, MegaflowsAreFoundAsByLinearSearch) {
    uint32_t seed = std::random_device{}();
    std::mt19937 random(seed);
    struct One {
        Flow key, mask;
        Ufid ufid;
    };
    std::vector<One> flows;
    for (int round = 0; round < 2000; round++) {
        if (random() % 4 == 0) {  // disjoint by destination port, with one of four masks
            One one{packet::zero_flow(), packet::zero_flow(), Uuid::random()};
            one.key.in_port = 1;
            one.mask.in_port = UINT32_MAX;
            one.key.tp_dst = static_cast<uint16_t>(flows.size());
            one.mask.tp_dst = UINT16_MAX;
            if (random() % 2) one.mask.nw_proto = 0xff;
            if (random() % 2) one.mask.dl_type = 0xffff;
            one.key.nw_proto = 6;
            one.key.dl_type = 0x0800;
            FlowPut put;
            put.ufid = one.ufid;
            put.key = one.key;
            put.mask = one.mask;
            put.actions = *parse_actions("2");
            ASSERT_TRUE(datapath_->put_flow(put).ok());
            flows.push_back(one);
        } else if (random() % 8 == 0 && !flows.empty()) {
            size_t index = random() % flows.size();
            bool there = datapath_->get_flow(flows[index].ufid).ok();
            EXPECT_EQ(datapath_->delete_flow(flows[index].ufid).ok(), there);
        }
        uint16_t port = static_cast<uint16_t>(random() % (flows.size() + 2));
        bool expected = port < flows.size() && datapath_->get_flow(flows[port].ufid).ok();
        Flow flow = key(kTcp);
        flow.tp_dst = port;
        uint64_t hits = datapath_->stats().hits;
        datapath_->receive(1, packet::compose(flow, 0));
        ASSERT_EQ(datapath_->stats().hits - hits, expected ? 1u : 0u)
            << "seed " << seed << " round " << round;
    }
}

TEST_F(DatapathTest, BondsSpreadByHash) {
    ASSERT_TRUE(datapath_->features().lb_output);
    add_flow("in_port(1),eth_type(0x0800),ipv4(frag=no)", "lb_output(7),3");
    auto send = [&](int port) {
        inject(fmt::format(
            "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,"
            "dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src={},dst=7)",
            port));
        return std::pair(sent("p1").size(), sent("p2").size());
    };
    EXPECT_EQ(send(1), std::pair(size_t{0}, size_t{0}));  // no such bond
    EXPECT_EQ(sent("p3").size(), 1u);                     // what follows is done all the same
    BondBuckets buckets;
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] = i % 2 ? 1u : 2u;
    ASSERT_TRUE(datapath_->set_bond(7, buckets).ok());
    size_t first = 0;
    for (int port = 1; port <= 100; ++port) {
        auto where = send(port);
        EXPECT_EQ(where.first + where.second, 1u);
        EXPECT_EQ(send(port), where);  // a connection stays where it is
        first += where.first;
    }
    EXPECT_GT(first, 25u);
    EXPECT_LT(first, 75u);
    BondBytes bytes = datapath_->bond_bytes(7);
    uint64_t sum = 0;
    for (uint64_t each : bytes) sum += each;
    EXPECT_EQ(sum, 200u * (14 + 20 + 8 + 26));
    buckets.fill(2);  // a member fails
    ASSERT_TRUE(datapath_->set_bond(7, buckets).ok());
    for (int port = 1; port <= 20; ++port) EXPECT_EQ(send(port), std::pair(size_t{0}, size_t{1}));
    EXPECT_GT(datapath_->bond_bytes(7), bytes);
    datapath_->delete_bond(7);
    EXPECT_EQ(send(1), std::pair(size_t{0}, size_t{0}));
    EXPECT_EQ(datapath_->bond_bytes(7), BondBytes{});
}

TEST(Meter, DropsWhatExceedsTheRate) {
    MeterTable meters;
    MeterConfig config;
    config.id = 1;
    config.packets_per_second = true;
    config.bands.push_back({10, 5});
    ASSERT_TRUE(meters.set(config, 0).ok());
    int passed = 0;
    for (int i = 0; i < 20; i++) passed += meters.pass(1, 100, 0);
    EXPECT_EQ(passed, 5);
    EXPECT_TRUE(meters.pass(1, 100, 100));  // one more after a tenth of a second
    EXPECT_FALSE(meters.pass(1, 100, 100));
    EXPECT_EQ(meters.get(1)->packets, 22u);
    EXPECT_EQ(meters.get(1)->bands[0].packets, 16u);
    EXPECT_TRUE(meters.pass(2, 100, 0));
}

TEST(TunnelHeader, BuiltAndParsedAgain) {
    std::mt19937 random(std::random_device{}());
    for (PortType type : {PortType::kGeneve, PortType::kVxlan, PortType::kGre}) {
        for (int round = 0; round < 50; round++) {
            packet::Tunnel key;
            std::memset(static_cast<void*>(&key), 0, sizeof key);
            key.id = random() & 0xffffff;
            key.flags = packet::kTunnelKey;
            if (type == PortType::kGeneve && random() % 2) {
                const uint8_t option[8] = {0x01, 0x02, 0x80, 0x01, 0x00, 0x01, 0x00, 0x02};
                std::copy(std::begin(option), std::end(option), key.metadata.begin());
                key.metadata_present = 8;
            }
            if (type == PortType::kVxlan && random() % 2) key.gbp_id = 7;
            if (type == PortType::kGre && random() % 2) key.flags |= packet::kTunnelCsum;
            Flow flow = packet::zero_flow();
            flow.dl_type = 0x0800;
            Packet packet = packet::compose(flow, 40);
            Bytes before(packet.view().begin(), packet.view().end());
            push_tunnel_header(packet, type, key);
            EXPECT_EQ(packet.size(), before.size() + tunnel_header_size(type, key));
            packet::Tunnel back;
            std::memset(static_cast<void*>(&back), 0, sizeof back);
            auto inner = read_tunnel_header(packet.view(), type, back);
            ASSERT_TRUE(inner.ok()) << inner.message();
            EXPECT_EQ(std::memcmp(&key, &back, sizeof key), 0);
            EXPECT_EQ(Bytes(inner->bytes.begin(), inner->bytes.end()), before);
        }
    }
}

TEST(TunnelHeader, AnyBytesAreTaken) {
    std::mt19937 random(std::random_device{}());
    for (int round = 0; round < 20000; round++) {
        Bytes bytes(random() % 64);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 3 ? random() : 0);
        packet::Tunnel key;
        std::memset(static_cast<void*>(&key), 0, sizeof key);
        PortType type =
            std::array{PortType::kGeneve, PortType::kVxlan, PortType::kGre, PortType::kGtpu}[random() % 4];
        (void)read_tunnel_header(bytes, type, key).ok();
    }
}

// compose_difference() leads a packet from one key to the other.
TEST_F(DatapathTest, ComposedDifferenceChangesThePacket) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {kTcp, "set(eth(dst=00:00:00:00:00:01)),set(ipv4(ttl=63)),set(tcp(src=5)),push_vlan(vid=7,pcp=0)"},
        {kPing, "set(icmp(type=0,code=0))"},
        {kPing, ""},
    };
    for (auto [in, expected] : table) {
        Flow from = key(in), to = from, mask = packet::zero_flow();
        if (in == kTcp) {
            to.dl_dst = *packet::parse_eth("00:00:00:00:00:01");
            to.nw_ttl = 63;
            to.tp_src = 5;
            to.vlans[0].tpid = 0x8100;
            to.vlans[0].tci = 0x1007;
        } else if (!expected.empty()) {
            to.tp_src = 0;
        }
        Actions actions;
        compose_difference(from, to, actions, mask);
        EXPECT_EQ(actions.empty() ? "" : format_actions(actions), expected);
        EXPECT_TRUE(from == to);
    }
}

}  // namespace
}  // namespace weft::datapath
