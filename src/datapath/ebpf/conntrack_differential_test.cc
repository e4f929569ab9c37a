// Connections: the same conversations through the same flows with `ct`, by the userspace datapath and by the
// programs in the kernel, which track what is established.

#include <gtest/gtest.h>

#include "datapath/ebpf/test_conversation.h"

namespace weft::datapath {
namespace {

class EbpfConntrackTest : public EbpfTest {};

constexpr std::string_view kHead = "recirc_id(0x1),in_port(1)";

TEST_F(EbpfConntrackTest, EstablishedConnectionsStayInTheKernel) {
    put("recirc_id(0),in_port(1)", "ct(zone=5,nat),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5,mark=0x5/0xff,nat(src=10.200.0.9)),2");
    put(fmt::format("{},ct_state(-new+est-rpl+trk)", kHead), "2");
    put(fmt::format("{},ct_state(-new+est+rpl+trk)", kHead), "3");
    put(fmt::format("{},ct_state(-new-est+trk)", kHead), "2,3");
    Translation nat{true, false};
    Conversation c;
    c.window[0] = c.window[1] = 2000;
    same(packet_of(c, false, 0x02, 100, 0, 0, nat));
    same(packet_of(c, true, 0x12, 500, 101, 0, nat));
    same(packet_of(c, false, 0x10, 101, 501, 0, nat));
    uint64_t before = handed_up();
    uint32_t sent = 101;
    for (int i = 0; i < 20; i++) {
        Packet data = packet_of(c, false, 0x18, sent, 501, 900, nat);
        if (i % 3 == 1) leave_checksum(data);
        same(data);
        sent += 900;
        same(packet_of(c, true, 0x10, 501, sent, 0, nat));
    }
    EXPECT_EQ(handed_up(), before);
    same_connections();
    // Beyond the window, and damaged: the daemon says what they are.
    same(packet_of(c, false, 0x18, sent + 100000, 501, 10, nat));
    Packet damaged = packet_of(c, false, 0x18, sent, 501, 100, nat);
    damaged.data()[80] ^= 1;
    same(damaged);
    EXPECT_EQ(handed_up(), before + 2);
    // Another mark, then the end.
    same(packet_of(c, true, 0x11, 501, sent, 0, nat));
    same(packet_of(c, false, 0x11, sent, 502, 0, nat));
    same(packet_of(c, true, 0x10, 502, sent + 1, 0, nat));
    EXPECT_EQ(handed_up(), before + 5);
    same_connections();
    same_statistics();
}

// Datagrams of one direction are new for ever, and committed with each.
TEST_F(EbpfConntrackTest, UnansweredDatagramsStayInTheKernel) {
    put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5,mark=0x5/0xff),2");
    put(fmt::format("{},ct_state(-new+est+trk)", kHead), "3");
    Translation nat;
    Conversation c;
    c.protocol = 17;
    for (int i = 0; i < 3; i++) same(packet_of(c, false, 0, 0, 0, 10, nat));
    uint64_t before = handed_up();
    for (int i = 0; i < 20; i++) same(packet_of(c, false, 0, 0, 0, 10, nat));
    EXPECT_EQ(handed_up(), before);
    same_connections();
    // The first answer is the daemon's, what follows is not.
    same(packet_of(c, true, 0, 0, 0, 10, nat));
    EXPECT_EQ(handed_up(), before + 1);
    for (int i = 0; i < 20; i++) same(packet_of(c, i % 2, 0, 0, 0, 10, nat));
    EXPECT_EQ(handed_up(), before + 1);
    same_connections();
    same_statistics();
}

// A copy goes up, to write a mark; the packet, whose own mark is there already, must not overtake it.
TEST_F(EbpfConntrackTest, WhatACopyTracksIsTrackedFirst) {
    put("recirc_id(0),in_port(1)",
        "clone(ct(commit,zone=5,mark=0x2/0xf),3),ct(commit,zone=5,mark=0x1/0xf),2");
    Conversation c;
    c.protocol = 17;
    for (bool reply : {false, true, false, true, false}) {
        same(packet_of(c, reply, 0, 0, 0, 10, {}));
        same_connections();
    }
    same_statistics();
}

TEST_F(EbpfConntrackTest, FlushedConnectionsAreForgotten) {
    put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5),2");
    put(fmt::format("{},ct_state(-new+trk)", kHead), "3");
    Conversation c;
    c.protocol = 17;
    for (bool reply : {false, true, false, true}) same(packet_of(c, reply, 0, 0, 0, 10, {}));
    uint64_t before = handed_up();
    same(packet_of(c, false, 0, 0, 0, 10, {}));
    EXPECT_EQ(handed_up(), before);
    for (Datapath* dp : {kernel_.get(), reference_.get()}) EXPECT_EQ(dp->connections()->flush(5, {}, {}), 1u);
    same(packet_of(c, false, 0, 0, 0, 10, {}));
    EXPECT_EQ(handed_up(), before + 1);
    // A shorter time-out holds for those that are there.
    same(packet_of(c, true, 0, 0, 0, 10, {}));
    for (Datapath* dp : {kernel_.get(), reference_.get()}) {
        dp->connections()->flush(std::nullopt, {}, {});
        ASSERT_TRUE(dp->connections()->set_timeout_policy("short", {{"udp_multiple", 1}}).ok());
    }
    kernel_->flush_flows();
    reference_->flush_flows();
    put("recirc_id(0),in_port(1)", "ct(zone=5,timeout=short),recirc(0x1)");
    put(fmt::format("{},ct_state(+new+trk)", kHead), "ct(commit,zone=5,timeout=short),2");
    put(fmt::format("{},ct_state(-new+trk)", kHead), "3");
    for (bool reply : {false, true, false}) same(packet_of(c, reply, 0, 0, 0, 10, {}));
    int64_t until = clock::monotonic_ms() + 1300;
    while (clock::monotonic_ms() < until) usleep(10000);
    same(packet_of(c, false, 0, 0, 0, 10, {}));  // new again
    same_connections();
}

TEST_F(EbpfConntrackTest, RandomConversations) {
    Random random(random_seed());
    int packets = random_packets(1500);
    uint64_t before = handed_up();
    int sent = 0;
    while (sent < packets) {
        kernel_->flush_flows();
        reference_->flush_flows();
        for (Datapath* dp : {kernel_.get(), reference_.get()}) dp->connections()->flush(std::nullopt, {}, {});
        bool check = !random.one_in(4);
        for (Datapath* dp : {kernel_.get(), reference_.get()}) dp->connections()->check_tcp_sequences(check);
        Translation nat{random.one_in(2), random.one_in(3)};
        uint32_t zone = random.below(3);
        std::string translate[2];
        for (int v6 : {0, 1}) {
            if (nat.destination)
                translate[v6] = v6 ? ",nat(dst=[fd08::9]:8080)" : ",nat(dst=10.0.9.9:8080)";
            else if (nat.source)
                translate[v6] = v6 ? ",nat(src=fd09::9)" : ",nat(src=10.200.0.9)";
        }
        if (nat.destination) nat.source = false;
        const char* types[] = {"0x0800", "0x86dd"};
        for (int v6 : {0, 1}) {
            auto head = [&](int recirculation) {
                return fmt::format("recirc_id(0x{:x}),in_port(1),eth_type({})", recirculation, types[v6]);
            };
            put(head(0), fmt::format("ct(zone={}{}),recirc(0x1)", zone, random.one_in(8) ? "" : ",nat"));
            put(head(1) + ",ct_state(+new+trk)",
                fmt::format("ct(commit,zone={},mark=0x{:x}/0xff,label=0x{:x}/0xff00000000000000ff{}),2", zone,
                            random.below(256), random.below(256), translate[v6]));
            std::string established;
            switch (random.below(6)) {
                case 0:
                    established = fmt::format("ct(commit,zone={},mark=0x{:x}/0xf),3", zone, random.below(16));
                    break;
                case 1:
                    established = fmt::format("ct(zone={}),recirc(0x2)", zone + 1);
                    break;
                case 2:
                    established = "set(eth(src=00:00:00:00:00:09)),ct_clear,recirc(0x3)";
                    break;
                case 3:
                    established = fmt::format("set(eth(src=00:00:00:00:00:09)),3,ct(zone={}),2", zone);
                    break;
                case 4:
                    established =
                        fmt::format("ct(commit,zone={},label=0x{:x}/0xff),2", zone, random.below(2));
                    break;
                default:
                    established = "recirc(0x3)";
            }
            put(head(1) + ",ct_state(-new+est-rpl+trk)", established);
            put(head(1) + ",ct_state(-new+est+rpl+trk)", random.one_in(2) ? "3" : "recirc(0x3)");
            put(head(1) + ",ct_state(-new-est+trk)", "2,3");
            put(head(2) + ",ct_state(+new)", fmt::format("ct(commit,zone={}),2", zone + 1));
            put(head(2) + ",ct_state(-new)", "3,2");
            // Without one for 0x3 the miss tells all of the key.
            if (random.one_in(2)) put(head(3), "2");
        }
        std::vector<Conversation> there(6);
        for (uint32_t i = 0; i < there.size(); i++) {
            there[i] = begin_conversation(random, i + 1);
        }
        for (int i = 0; i < 500 && sent < packets; i++, sent++) {
            Packet packet = next_packet(random, there[random.below(6)], nat);
            if (!same(packet)) return;
        }
        same_connections();
        same_statistics();
        if (HasFailure()) return;
    }
    std::printf("%d packets, %lu handed up\n", sent, handed_up() - before);
}

}  // namespace
}  // namespace weft::datapath
