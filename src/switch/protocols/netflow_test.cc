#include "switch/protocols/netflow.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

constexpr int64_t kWall = 1700000000123;

NetflowKey key(uint16_t source = 1000) {
    NetflowKey out;
    out.in_port = 1;
    out.nw_src = 0xc0a80001;
    out.nw_dst = 0xc0a80002;
    out.tp_src = source;
    out.tp_dst = 53;
    out.nw_proto = 17;
    out.nw_tos = 0x10;
    return out;
}

NetflowOptions options(int64_t active_ms = 5000) {
    NetflowOptions out;
    out.engine_type = 3;
    out.engine_id = 9;
    out.active_timeout_ms = active_ms;
    return out;
}

uint32_t word(const Bytes& bytes, size_t at) {
    return load_be32(bytes.data() + at);
}

TEST(Netflow, IsLaidOutAsVersion5) {
    Netflow netflow(options(), 1000);
    netflow.count(key(), 2, 3, 300, 0x12, 1300);
    EXPECT_TRUE(netflow.run(1500, kWall).empty());
    netflow.count(key(), 7, 0, 0, 0, 1600);  // goes elsewhere: what went before is told
    EXPECT_EQ(netflow.next_wakeup_ms(), 0);
    auto out = netflow.run(2000, kWall);
    ASSERT_EQ(out.size(), 1u);
    const Bytes& d = out[0];
    ASSERT_EQ(d.size(), 72u);
    EXPECT_EQ(word(d, 0), 0x00050001u);
    EXPECT_EQ(word(d, 4), 1000u);  // uptime
    EXPECT_EQ(word(d, 8), 1700000000u);
    EXPECT_EQ(word(d, 12), 123000000u);
    EXPECT_EQ(word(d, 16), 0u);  // records before
    EXPECT_EQ(word(d, 20), 0x03090000u);
    EXPECT_EQ(word(d, 24), 0xc0a80001u);
    EXPECT_EQ(word(d, 28), 0xc0a80002u);
    EXPECT_EQ(word(d, 36), 0x00010002u);  // interfaces
    EXPECT_EQ(word(d, 40), 3u);
    EXPECT_EQ(word(d, 44), 300u);
    EXPECT_EQ(word(d, 48), 300u);  // first
    EXPECT_EQ(word(d, 52), 300u);
    EXPECT_EQ(word(d, 56), 1000u << 16 | 53);
    EXPECT_EQ(word(d, 60), 0x00121110u);
}

TEST(Netflow, TellsOfActiveFlowsAndOfEndedOnes) {
    Netflow netflow(options(), 0);
    std::vector<int64_t> told;
    for (int64_t now = 0; now <= 30000; now += 500) {
        if (now < 13000) netflow.count(key(), 2, 1, 100, 0, now);
        for (const Bytes& datagram : netflow.run(now, kWall)) {
            told.push_back(now);
            EXPECT_EQ(load_be16(datagram.data() + 2), 1);
        }
    }
    // Every five seconds while there are packets, looked at once a second.
    EXPECT_EQ(told, (std::vector<int64_t>{6000, 12000, 18000}));
    EXPECT_EQ(netflow.flows(), 0u);
}

TEST(Netflow, WithoutActiveTimeoutOnlyEndedFlows) {
    Netflow netflow(options(0), 0);
    for (int64_t now = 0; now < 100000; now += 1000) {
        netflow.count(key(), 2, 1, 100, 0, now);
        EXPECT_TRUE(netflow.run(now, kWall).empty());
    }
    EXPECT_EQ(netflow.run(110000, kWall).size(), 1u);
}

TEST(Netflow, SplitsWhatIsTooMuch) {
    Netflow netflow(options(), 0);
    netflow.count(key(), 2, 10, uint64_t{UINT32_MAX} * 2 + 10, 0, 100);
    for (uint16_t i = 0; i < 100; ++i) netflow.count(key(i), 2, 1, 60, 0, 100);
    auto out = netflow.run(20000, kWall);
    size_t records = 0, sequence = 0;
    uint64_t bytes = 0, packets = 0;
    for (const Bytes& datagram : out) {
        size_t count = load_be16(datagram.data() + 2);
        EXPECT_LE(count, 30u);
        EXPECT_EQ(datagram.size(), 24 + 48 * count);
        EXPECT_EQ(word(datagram, 16), sequence);
        sequence += count;
        for (size_t i = 0; i < count; ++i) {
            packets += word(datagram, 24 + 48 * i + 16);
            bytes += word(datagram, 24 + 48 * i + 20);
        }
        records += count;
    }
    EXPECT_EQ(records, 103u);
    EXPECT_EQ(packets, 110u);
    EXPECT_EQ(bytes, uint64_t{UINT32_MAX} * 2 + 10 + 6000);
}

TEST(Netflow, KeepsABoundedNumberOfFlows) {
    Netflow netflow(options(), 0);
    for (uint32_t i = 0; i < Netflow::kMaxFlows + 100; ++i) {
        NetflowKey k = key();
        k.nw_src = i;
        netflow.count(k, 2, 1, 60, 0, 100);
    }
    EXPECT_EQ(netflow.flows(), Netflow::kMaxFlows);
    EXPECT_EQ(netflow.run(200, kWall).size(), 4u);  // 100 records
}

TEST(Netflow, PutsTheEngineIntoInterfaces) {
    NetflowOptions o = options();
    o.add_id_to_interface = true;
    Netflow netflow(o, 0);
    netflow.count(key(), Netflow::kDrop, 1, 60, 0, 100);
    auto out = netflow.run(20000, kWall);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(word(out[0], 36), uint32_t{9 << 9 | 1} << 16 | (9 << 9 | 0x1fd));
}

}  // namespace
}  // namespace weft::vswitch
