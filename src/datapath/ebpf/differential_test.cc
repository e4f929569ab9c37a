// The same packets through the same flows, by the userspace datapath and by the programs in the kernel: the
// same packets out, the same upcalls, the same statistics.
//
// The kernel's side is real: three veth pairs in a network namespace of this test's own, whose far ends send
// and receive with their offload headers.  Needs root; skipped without.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "base/append.h"
#include "base/hash_map.h"
#include "datapath/ebpf/ebpf_datapath.h"
#include "datapath/ebpf/test_rig.h"

namespace weft::datapath {
namespace {

constexpr std::string_view kTcp =
    "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,"
    "dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=80),tcp_flags(syn)";

TEST_F(EbpfTest, TwoTags) {
    for (size_t limit : {1, 2}) {
        packet::set_vlan_limit(limit);
        for (std::string_view actions :
             {"2", "pop_vlan,2", "pop_vlan,pop_vlan,2", "pop_vlan,2,pop_vlan,3,pop_vlan,2",
              "pop_vlan,push_vlan(vid=9,pcp=1),2", "push_vlan(vid=9,pcp=1),2,pop_vlan,3"}) {
            for (uint16_t inner : {0, 5}) {
                SCOPED_TRACE(fmt::format("{} limit {} inner {}", actions, limit, inner));
                kernel_->flush_flows();
                reference_->flush_flows();
                put("recirc_id(0),in_port(1)", actions);
                auto key = parse_key(kTcp);
                key->vlans[0].tpid = key->vlans[1].tpid = 0x8100;
                key->vlans[0].tci = 0xf000;
                key->vlans[1].tci = static_cast<uint16_t>(0x1000 | inner);
                same(packet::compose(*key, 30));
                Packet super = packet::compose(*key, 4000);
                packet::set_vlan_limit(2);
                leave_checksum(super, 1200);
                packet::set_vlan_limit(limit);
                same(super);
                // The programs cannot look at what lies behind the tags, and need not.
                key->nw_proto = 2;
                same(packet::compose(*key, 30));
            }
        }
    }
    packet::set_vlan_limit(1);
}

// What is counted where.
TEST_F(EbpfTest, TheProgramsForwardWhatTheyCan) {
    put("recirc_id(0),in_port(1)", "2");
    auto flow = kernel_->get_flow(last_);
    ASSERT_TRUE(flow.ok());
    EXPECT_TRUE(flow->offloaded);
    same(packet_of(kTcp));
    same(packet_of(kTcp));
    DatapathStats stats = kernel_->stats();
    EXPECT_EQ(stats.hits, 2u);
    EXPECT_EQ(stats.exact_hits, 1u);
    auto in = kernel_->port_stats(1), out = kernel_->port_stats(2);
    EXPECT_EQ(in->rx_packets, 2u);
    EXPECT_EQ(out->tx_packets, 2u);
    EXPECT_EQ(out->tx_bytes, 2 * packet_of(kTcp).size());

    put("recirc_id(0),in_port(2)", "clone(set(ipv4(ttl=4)),3),trunc(60),1");
    EXPECT_TRUE(kernel_->get_flow(last_)->offloaded);
    put("recirc_id(0),in_port(3)", "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),2");
    EXPECT_FALSE(kernel_->get_flow(last_)->offloaded);
}

// The daemon and the programs take from one bucket.
TEST_F(EbpfTest, MetersAreShared) {
    MeterConfig meter;
    meter.id = 7;
    Packet packet =
        packet_of(kTcp, 1400);  // eight fit into the bucket, which gets another one in five seconds
    meter.bands = {{1, 100, 0, 0}, {100000, 100000, 0, 0}};
    for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->set_meter(meter).ok());
    for (std::string_view actions :
         {"meter(7),2", "meter(7),push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),2"}) {
        kernel_->flush_flows();
        reference_->flush_flows();
        put("recirc_id(0),in_port(1)", actions);
        for (int i = 0; i < 5; i++) same(packet);
    }
    auto read = kernel_->get_meter(7);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->packets, 10u);
    EXPECT_EQ(read->bytes, 10 * packet.size());
    EXPECT_EQ(read->bands[0].packets, 2u);
    EXPECT_EQ(read->bands[1].packets, 0u);
    EXPECT_EQ(kernel_->stats().drops[static_cast<size_t>(explain::DropReason::kMeter)], 2u);
    same_statistics();
    // One that the programs cannot hold packets to.
    meter.bands.push_back({200000, 200000, 0, 0});
    for (Datapath* dp : {kernel_.get(), reference_.get()}) {
        ASSERT_TRUE(dp->set_meter(meter).ok());
        dp->flush_flows();
    }
    put("recirc_id(0),in_port(1)", "meter(7),3");
    for (int i = 0; i < 10; i++) same(packet);
    EXPECT_EQ(kernel_->get_meter(7)->bands[0].packets, 2u);
    for (Datapath* dp : {kernel_.get(), reference_.get()}) {
        auto last = dp->delete_meter(7);
        ASSERT_TRUE(last.ok());
        EXPECT_EQ(last->packets, 10u);
    }
    same(packet);
}

TEST_F(EbpfTest, WhatAPortLetsInIsBounded) {
    put("recirc_id(0),in_port(1)", "2");
    Policing policing;
    policing.kbps = 1;
    policing.burst_kbits = 25;
    for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->set_policing(1, policing).ok());
    for (int i = 0; i < 4; i++) same(packet_of(kTcp, 1400));  // 11632 bits
    EXPECT_EQ(kernel_->stats().drops[static_cast<size_t>(explain::DropReason::kPolicing)], 2u);
    for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->set_policing(1, {}).ok());
    same(packet_of(kTcp, 1400));
    same_statistics();
}

TEST_F(EbpfTest, FlowsChangeAndGo) {
    put("recirc_id(0),in_port(1)", "2");
    same(packet_of(kTcp));
    FlowPut change;
    change.ufid = last_;
    change.actions = *parse_actions("set(ipv4(ttl=9)),3");
    auto both = parse_match("recirc_id(0),in_port(1)");
    change.key = both->key;
    change.mask = both->mask;
    put(change);
    same(packet_of(kTcp));
    same_statistics();
    EXPECT_EQ(kernel_->get_flow(last_)->stats.packets, 2u);
    auto last = kernel_->delete_flow(last_);
    ASSERT_TRUE(last.ok());
    EXPECT_EQ(last->packets, 2u);
    (void)reference_->delete_flow(last_).ok();
    same(packet_of(kTcp));  // a miss for both
}

// A port that goes takes what was sent to it along, and one that comes gets it.
TEST_F(EbpfTest, PortsComeAndGo) {
    put("recirc_id(0),in_port(1)", "2,3");
    EXPECT_TRUE(kernel_->get_flow(last_)->offloaded);
    for (Datapath* dp : {kernel_.get(), reference_.get()}) ASSERT_TRUE(dp->delete_port(3).ok());
    EXPECT_FALSE(kernel_->get_flow(last_)->offloaded);
    Fate fate = by_kernel(packet_of(kTcp), 1);
    EXPECT_EQ(fate.out[2].size(), 1u);
    EXPECT_EQ(fate.out[3].size(), 0u);
    PortSpec spec;
    spec.number = 3;
    spec.name = "v3";
    ASSERT_TRUE(kernel_->add_port(spec).ok());
    EXPECT_TRUE(kernel_->get_flow(last_)->offloaded);
    EXPECT_EQ(by_kernel(packet_of(kTcp), 2).out[3].size(), 1u);
}

// A process ends, another comes: what the first has put into the kernel forwards until the second is ready.
TEST_F(EbpfTest, AnotherTakesOver) {
    put("recirc_id(0),in_port(1)", "2");
    same(packet_of(kTcp));
    kernel_.reset();
    EXPECT_EQ(by_kernel(packet_of(kTcp), 1).out[2].size(), 1u);
    auto next = create_ebpf_datapath(*loop_, *links_, "ebpf", "weft-ebpf");
    ASSERT_TRUE(next.ok()) << next.message();
    kernel_ = std::move(*next);
    kernel_->set_upcall_handler(&kernel_upcalls_);
    for (PortNo i = kPortCount; i > 1; i--) {  // numbered otherwise, and v1 is forgotten
        PortSpec spec;
        spec.name = fmt::format("v{}", i);
        ASSERT_TRUE(kernel_->add_port(spec).ok());
    }
    EXPECT_EQ(by_kernel(packet_of(kTcp), 1).out[2].size(), 1u);
    kernel_->take_over();
    EXPECT_EQ(by_kernel(packet_of(kTcp), 0).size(), 0u);
    PortSpec spec;
    spec.name = "v1";
    ASSERT_TRUE(kernel_->add_port(spec).ok());
    Fate fate = by_kernel(packet_of(kTcp), 1);
    EXPECT_EQ(fate.upcalls.size(), 1u);
    EXPECT_EQ(fate.size(), 1u);
    ASSERT_TRUE(kernel_->put_flow(*flow_put("recirc_id(0),in_port(3)", "1")).ok());
    EXPECT_EQ(by_kernel(packet_of(kTcp), 1).out[3].size(), 1u);
}

// What the first process forwarded by, the second is told: by its own port numbers, with the ids of
// recirculations as they were.
TEST_F(EbpfTest, AnotherIsToldTheFlows) {
    put("recirc_id(0),in_port(1)", "set(ipv4(ttl=9)),recirc(0x7)");
    put("recirc_id(0x7),in_port(1),eth_type(0x0800),ipv4(dst=192.168.0.2,frag=no)",
        "clone(set(ipv4(ttl=5)),recirc(0x8)),set(eth(src=00:00:00:00:00:09)),2,set(ipv4(ttl=1)),3,set(ipv4("
        "ttl=2)),2,set(ipv4(ttl=3)),3,hash(l4(1)),recirc(0x9)");
    put("recirc_id(0),in_port(2)", "1");  // nobody uses it
    EXPECT_TRUE(kernel_->inherited_flows().empty());
    same(packet_of(kTcp));
    kernel_.reset();
    auto next = create_ebpf_datapath(*loop_, *links_, "ebpf", "weft-ebpf");
    ASSERT_TRUE(next.ok()) << next.message();
    kernel_ = std::move(*next);
    for (PortNo i = kPortCount; i > 0; i--) {
        PortSpec spec;
        spec.name = fmt::format("v{}", i);
        spec.number = 10 + i;
        ASSERT_TRUE(kernel_->add_port(spec).ok());
    }
    std::vector<InheritedFlow> flows = kernel_->inherited_flows();
    ASSERT_EQ(flows.size(), 2u);
    if (flows[0].key.recirc_id) std::swap(flows[0], flows[1]);
    Flow expected = packet::zero_flow();
    expected.in_port = 11;
    EXPECT_TRUE(flows[0].key == expected) << format_key(flows[0].key);
    EXPECT_EQ(flows[0].recirculations, std::vector<uint32_t>{7});
    expected.recirc_id = 7;
    expected.dl_type = 0x0800;
    expected.nw_dst = 0xc0a80002;
    EXPECT_TRUE(flows[1].key == expected) << format_key(flows[1].key);
    EXPECT_EQ(flows[1].recirculations, (std::vector<uint32_t>{8, 9}));
    // Before the one process forwards, the other does.
    EXPECT_GT(by_kernel(packet_of(kTcp), 4).size(), 3u);
    kernel_->take_over();
    EXPECT_TRUE(kernel_->inherited_flows().empty());
}

// A port that floods is held to its share of what may be under way; the daemon is not reading.
TEST_F(EbpfTest, APortsUpcallsAreBounded) {
    Packet packet = packet_of(kTcp);
    for (int i = 0; i < 2000; i++) {
        Work work;
        work.packet = packet;
        far_[1].port->send(std::move(work), 0);
        far_[1].port->flush(0);
    }
    DatapathStats stats = kernel_->stats();
    EXPECT_EQ(stats.lost, 2000u - 512u);
    EXPECT_EQ(stats.drops[static_cast<size_t>(explain::DropReason::kUpcallLost)], stats.lost);
    Work work;
    work.packet = packet;
    far_[2].port->send(std::move(work), 0);
    far_[2].port->flush(0);
    EXPECT_EQ(kernel_->stats().lost, stats.lost);
    for (int i = 0; i < 200 && kernel_upcalls_.seen.size() < 513; i++) loop_->run_once(10);
    EXPECT_EQ(kernel_upcalls_.take().size(), 513u);
    // And then it may again.
    EXPECT_EQ(by_kernel(packet, 1).upcalls.size(), 1u);
}

// Who has ever new flows leaves half of the room to others.
TEST_F(EbpfTest, APortsFlowsLeaveRoom) {
    auto put_flows = [&](PortNo port, uint32_t count) {
        for (uint32_t i = 0; i < count; i++) {
            FlowPut flow;
            flow.ufid = Uuid::random();
            flow.key = flow.mask = packet::zero_flow();
            flow.key.in_port = port;
            flow.mask.in_port = UINT32_MAX;
            flow.mask.recirc_id = UINT32_MAX;
            flow.key.dl_type = 0x0800;
            flow.mask.dl_type = 0xffff;
            flow.key.nw_src = i;
            flow.mask.nw_src = UINT32_MAX;
            flow.actions = *parse_actions("3");
            ASSERT_TRUE(kernel_->put_flow(flow).ok());
        }
    };
    put_flows(1, 40000);
    put_flows(2, 10000);
    std::map<uint32_t, size_t> offloaded;
    kernel_->dump_flows([&](const FlowDump& dump) { offloaded[dump.key.in_port] += dump.offloaded; });
    EXPECT_EQ(offloaded[1], 32768u);
    EXPECT_EQ(offloaded[2], 10000u);
    kernel_->flush_flows();
    put_flows(2, 30000);
    offloaded.clear();
    kernel_->dump_flows([&](const FlowDump& dump) { offloaded[dump.key.in_port] += dump.offloaded; });
    EXPECT_EQ(offloaded[2], 30000u);
}

// More masks and flows than the programs hold: all of them still do what they say.
TEST_F(EbpfTest, MoreMasksThanTheProgramsTry) {
    for (uint32_t i = 0; i < 100; i++) {
        // Disjoint by the source, each with a mask of its own.
        put(fmt::format(
                "recirc_id(0),in_port(1),eth(src=50:54:00:00:00:{:02x},dst=50:54:00:00:00:07),eth_type("
                "0x0800),ipv4(dst=0.0.0.0/{}.0.0.{})",
                i, i & 0x30, i & 0x4f),
            "2");
    }
    for (uint32_t i = 0; i < 110; i += 7) {
        std::string key(kTcp);
        size_t at = key.find("00:05,dst");
        key.replace(at + 3, 2, fmt::format("{:02x}", i));
        size_t dst = key.find("dst=192.168.0.2");
        key.replace(dst, 15, "dst=0.0.0.0");
        ASSERT_TRUE(same(packet_of(key))) << i;
    }
    same_statistics();
}

TEST_F(EbpfTest, RandomFlowsAndPackets) {
    Random random(random_seed());
    random.connections = true;
    random_walk(
        random, random_packets(4000), [](Flow&) {}, [&](const Packet& packet) { return same(packet); });
}

}  // namespace
}  // namespace weft::datapath
