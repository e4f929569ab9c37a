#include "switch/protocols/ipfix.h"

#include <gtest/gtest.h>

#include <set>

namespace weft::vswitch {
namespace {

constexpr int64_t kWall = 1700000000250000;

IpfixSample sample(uint8_t protocol = 17, uint16_t source = 1000) {
    static IpfixPort port{3, 6, "p1", ""};
    IpfixSample out;
    out.flow = packet::zero_flow();
    out.flow.dl_type = 0x0800;
    out.flow.nw_proto = protocol;
    out.flow.nw_src = 0xc0a80001;
    out.flow.nw_dst = 0xc0a80002;
    out.flow.tp_src = source;
    out.flow.tp_dst = 53;
    out.obs_domain_id = 5;
    out.obs_point_id = 6;
    out.size = 100;
    out.ip_length = 86;
    out.in = &port;
    return out;
}

// Sets of a message: id and body.
std::vector<std::pair<uint16_t, Bytes>> sets(const Bytes& message) {
    EXPECT_EQ(load_be16(message.data()), 10);
    EXPECT_EQ(load_be16(message.data() + 2), message.size());
    std::vector<std::pair<uint16_t, Bytes>> out;
    for (size_t at = 16; at + 4 <= message.size();) {
        size_t size = load_be16(message.data() + at + 2);
        EXPECT_LE(at + size, message.size());
        out.emplace_back(load_be16(message.data() + at),
                         Bytes(message.begin() + static_cast<long>(at) + 4,
                               message.begin() + static_cast<long>(at + size)));
        at += size;
    }
    return out;
}

TEST(Ipfix, NumbersTemplatesByLayers) {
    using L3 = Ipfix::L3;
    using L4 = Ipfix::L4;
    EXPECT_EQ(Ipfix::template_id({}), 256);
    EXPECT_EQ(Ipfix::template_id({false, L3::kNone, L4::kNone, true, true}), 259);
    EXPECT_EQ(Ipfix::template_id({false, L3::kIpv4, L4::kNone, false, false}), 276);
    EXPECT_EQ(Ipfix::template_id({false, L3::kIpv4, L4::kTcp, true, false}), 281);
    EXPECT_EQ(Ipfix::template_id({false, L3::kIpv6, L4::kIcmp, false, false}), 312);
    EXPECT_EQ(Ipfix::template_id({true, L3::kNone, L4::kNone, false, false}), 316);
    EXPECT_EQ(Ipfix::template_id({true, L3::kIpv6, L4::kIcmp, true, true}), 375);
}

TEST(Ipfix, SendsTemplatesAheadOfRecords) {
    Ipfix ipfix(IpfixOptions{});
    ipfix.sample(sample(), kWall);
    ipfix.sample(sample(), kWall);
    std::set<uint16_t> templates;
    int records = 0;
    for (const Bytes& message : ipfix.run(kWall)) {
        EXPECT_LE(message.size(), 1400u);
        for (const auto& [id, body] : sets(message)) {
            if (id == 2) {
                for (size_t at = 0; at + 4 <= body.size();) {
                    templates.insert(load_be16(body.data() + at));
                    size_t fields = load_be16(body.data() + at + 2);
                    at += 4;
                    for (size_t i = 0; i < fields; ++i) at += body[at] & 0x80 ? 8 : 4;
                }
                EXPECT_EQ(records, 0);
            } else if (id == 284) {
                ++records;
            }
        }
    }
    EXPECT_EQ(templates.size(), 88u);
    EXPECT_EQ(records, 2);
    // Not again for ten minutes, but for another domain.
    ipfix.sample(sample(), kWall + 599000000);
    EXPECT_EQ(ipfix.run(kWall + 599000000).size(), 1u);
    IpfixSample other = sample();
    other.obs_domain_id = 9;
    ipfix.sample(other, kWall + 599000000);
    EXPECT_GT(ipfix.run(kWall + 599000000).size(), 10u);
    ipfix.sample(sample(), kWall + 601000000);
    EXPECT_GT(ipfix.run(kWall + 601000000).size(), 10u);
}

TEST(Ipfix, AddsUpInItsCache) {
    IpfixOptions options;
    options.cache_active_timeout_ms = 5000;
    options.cache_max_flows = 10;
    Ipfix ipfix(options);
    for (int i = 0; i < 3; ++i) ipfix.sample(sample(), kWall + i * 1000000);
    ipfix.sample(sample(17, 7), kWall);
    EXPECT_TRUE(ipfix.run(kWall + 4999000).empty());
    EXPECT_EQ(ipfix.statistics().current_flows, 2u);
    EXPECT_EQ(ipfix.next_wakeup_us(), kWall + 5000000);
    int records = 0;
    for (const Bytes& message : ipfix.run(kWall + 5000000)) {
        for (const auto& [id, body] : sets(message)) records += id == 284;
    }
    EXPECT_EQ(records, 2);
    EXPECT_EQ(ipfix.statistics().current_flows, 0u);
    EXPECT_EQ(ipfix.statistics().flows, 2u);
    EXPECT_EQ(ipfix.statistics().packets, 4u);
    // Never more than it may hold.
    for (uint16_t i = 0; i < 100; ++i) ipfix.sample(sample(17, i), kWall + 6000000);
    EXPECT_EQ(ipfix.statistics().current_flows, 10u);
    ipfix.flush(kWall + 6000000);
    EXPECT_EQ(ipfix.statistics().current_flows, 0u);
}

}  // namespace
}  // namespace weft::vswitch
