#include "switch/protocols/sflow.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

SflowOptions options() {
    SflowOptions out;
    out.sampling = 3;
    out.header = 64;
    out.polling_ms = 2000;
    out.agent = {10, 1, 2, 3};
    return out;
}

std::string hex(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (uint8_t byte : bytes) out += {kDigits[byte >> 4], kDigits[byte & 15]};
    return out;
}

TEST(Sflow, SendsASampleWithinASecond) {
    Sflow sflow(options(), 0);
    sflow.count({}, {}, 0);
    sflow.run(1000);
    Bytes packet(100, 0xab);
    SflowSample sample;
    sample.packet = packet;
    sample.input = 5;
    sample.output = Sflow::kMultiple | 2;
    sample.vlan_out = 7;
    sample.priority_out = 3;
    sflow.sample(sample, 1000);
    EXPECT_EQ(sflow.next_wakeup_ms(), 2000);
    EXPECT_TRUE(sflow.run(1999).empty());
    auto out = sflow.run(2000);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(hex(out[0]),
              "00000005"
              "00000001"
              "0a010203"
              "00000000"
              "00000002"
              "000007d0"
              "00000001"
              "00000001"
              "00000090"
              "00000001"
              "020003e8"
              "00000003"
              "00000003"
              "00000000"
              "00000005"
              "80000002"
              "00000002"
              "000003e9"
              "00000010"
              "00000000"
              "00000000"
              "00000007"
              "00000003"
              "00000001"
              "00000050"
              "00000001"
              "00000068"
              "00000004"
              "00000040" +
                  hex(Bytes(64, 0xab)));
}

TEST(Sflow, PadsHeadersAndFillsDatagrams) {
    Sflow sflow(options(), 0);
    Bytes packet(61, 1);
    for (int i = 0; i < 50; ++i) {
        SflowSample sample;
        sample.packet = packet;
        sflow.sample(sample, 10);
    }
    auto out = sflow.run(1010);
    uint32_t samples = 0, sequence = 0;
    for (const Bytes& datagram : out) {
        EXPECT_LE(datagram.size(), Sflow::kMaxDatagram);
        EXPECT_EQ(datagram.size() % 4, 0u);
        EXPECT_EQ(load_be32(datagram.data() + 16), ++sequence);
        samples += load_be32(datagram.data() + 24);
    }
    EXPECT_EQ(samples, 50u);
    EXPECT_GT(out.size(), 4u);
}

TEST(Sflow, CountsPortsAndTheBridge) {
    Sflow sflow(options(), 0);
    EXPECT_TRUE(sflow.counters_due(0));
    SflowPort port;
    port.ifindex = 3;
    port.speed = 10000000000ull;
    port.admin_up = port.link_up = true;
    port.rx_bytes = 0x244;
    port.rx_packets = 7;
    port.tx_bytes = 0x204;
    port.tx_packets = 6;
    port.datapath_id = 0x0000da4e23ded14d;
    port.of_port = 1;
    port.name = "v0";
    SflowTotals totals;
    totals.hits = 1, totals.misses = 4, totals.flows = 4;
    sflow.count({port}, totals, 0);
    EXPECT_FALSE(sflow.counters_due(1999));
    EXPECT_TRUE(sflow.counters_due(2000));
    auto out = sflow.run(1000);
    ASSERT_EQ(out.size(), 1u);
    std::string text = hex(out[0]);
    EXPECT_NE(text.find("0000089f"
                        "00000018"
                        "00000001"
                        "00000004"
                        "00000000"
                        "ffffffff"
                        "00000004"
                        "ffffffff"),
              std::string::npos);
    // As a peer of another make sends it.
    EXPECT_NE(
        text.find("00000002000000cc0000000100000003000000040000000200000034000000000000000"
                  "0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                  "000003ec0000000c0000da4e23ded14d00000001000003ed0000000800000002763000000000000100000058"
                  "000000030000000600000002540be400000000010000000300000000000002440000000700000000ffffffff"
                  "0000000000000000ffffffff000000000000020400000006ffffffffffffffff000000000000000000000000"),
        std::string::npos)
        << text;
}

}  // namespace
}  // namespace weft::vswitch
