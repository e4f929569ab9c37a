// Packets that were made to mislead a cache: a megaflow that one of them leaves behind must not decide about
// packets that the tables would treat otherwise.  Each test is named by the fault that switches have had.

#include <fmt/core.h>

#include "packet/address.h"
#include "packet/compose.h"
#include "packet/extract.h"
#include "switch/upcall/test_world.h"

namespace weft::vswitch {
namespace {

// One switch that caches and one that walks for every packet.
struct Both {
    net::Loop loop;
    TestWorld cached{loop, "hc"}, plain{loop, "hu"};

    Both() {
        plain.backer().set_flow_limit(0);
        for (TestWorld* world : {&cached, &plain}) {
            for (uint32_t port : {1u, 2u, 3u}) world->add_port("br0", port);
        }
    }
    void flow(const std::string& text) {
        cached.must_flow("br0", text);
        plain.must_flow("br0", text);
    }
    // What both send for a packet into port 1: it must be the same.
    std::map<uint32_t, std::vector<Bytes>> send(const packet::Packet& packet) {
        cached.receive(1, packet);
        plain.receive(1, packet);
        auto out = cached.sent(), wanted = plain.sent();
        EXPECT_EQ(out, wanted);
        return out;
    }
    // The only port that a packet leaves by; 0: none.
    uint32_t port(const packet::Packet& packet) {
        uint32_t out = 0;
        for (auto& [number, packets] : send(packet)) {
            if (!packets.empty()) out = number;
        }
        return out;
    }
};

packet::Flow ip_flow(uint8_t proto = 6) {
    packet::Flow flow = packet::zero_flow();
    flow.dl_src = {2, 0, 0, 0, 0, 1};
    flow.dl_dst = {2, 0, 0, 0, 0, 2};
    flow.dl_type = 0x0800;
    flow.nw_src = 0x0a000001;
    flow.nw_dst = 0x0a000002;
    flow.nw_proto = proto;
    flow.nw_ttl = 64;
    flow.tp_src = 1000;
    flow.tp_dst = 80;
    flow.tcp_flags = 2;
    return flow;
}

packet::Packet padded(const packet::Flow& flow, size_t padding) {
    packet::Packet packet = packet::compose(flow, 10);
    packet.append_zeros(padding);
    return packet;
}

// A packet with a lot of padding must not leave a flow that swallows those without (the class of
// CVE-2020-35498).
TEST(HostilePackets, EthernetPaddingInMegaflows) {
    Both both;
    both.flow("priority=9,tcp,tp_dst=80,actions=2");
    both.flow("priority=1,actions=3");
    for (size_t padding : {0, 300, 2000, 0}) EXPECT_EQ(both.port(padded(ip_flow(), padding)), 2u) << padding;
    packet::Flow other = ip_flow();
    other.tp_dst = 81;
    for (size_t padding : {0, 300, 0}) EXPECT_EQ(both.port(padded(other, padding)), 3u) << padding;
    EXPECT_EQ(both.port(padded(ip_flow(), 0)), 2u);
}

// IP protocol 0: fields are set in it as in any other, and what it leaves is for it or right for all (the
// class of CVE-2023-1668).
TEST(HostilePackets, IpProtocolZero) {
    Both both;
    both.flow("ip,actions=mod_nw_dst:10.0.0.9,mod_nw_tos:32,dec_ttl,2");
    both.flow("ipv6,actions=set_field:2001:db8::9->ipv6_dst,dec_ttl,2");
    for (uint8_t proto : {0, 6, 0, 17, 1}) {
        auto out = both.send(packet::compose(ip_flow(proto), 20));
        ASSERT_EQ(out[2].size(), 1u) << int{proto};
        packet::Flow got = packet::zero_flow();
        packet::extract(out[2][0], got);
        EXPECT_EQ(got.nw_dst, 0x0a000009u) << int{proto};
        EXPECT_EQ(got.nw_tos, 32) << int{proto};
        EXPECT_EQ(got.nw_ttl, 63) << int{proto};
        EXPECT_EQ(got.nw_proto, proto);
    }
    packet::Flow six = ip_flow(59);
    six.dl_type = 0x86dd;
    six.nw_src = six.nw_dst = 0;
    six.ipv6_src = *packet::parse_ipv6("2001:db8::1");
    six.ipv6_dst = *packet::parse_ipv6("2001:db8::2");
    auto out = both.send(packet::compose(six, 20));
    ASSERT_EQ(out[2].size(), 1u);
    packet::Flow got = packet::zero_flow();
    packet::extract(out[2][0], got);
    EXPECT_EQ(got.ipv6_dst, *packet::parse_ipv6("2001:db8::9"));
}

// A flow on the target of neighbour advertisements decides about those alone, whatever came before (the class
// of CVE-2023-5366).
TEST(HostilePackets, NeighbourDiscoveryTargetMatching) {
    Both both;
    both.flow("priority=9,icmp6,icmp_type=136,icmp_code=0,nd_target=2001:db8::5,actions=drop");
    both.flow("priority=8,icmp6,icmp_type=136,icmp_code=0,nd_target=2001:db8::/64,actions=3");
    both.flow("priority=1,actions=2");
    packet::Flow flow = ip_flow(58);
    flow.dl_type = 0x86dd;
    flow.nw_src = flow.nw_dst = 0;
    flow.ipv6_src = *packet::parse_ipv6("2001:db8::1");
    flow.ipv6_dst = *packet::parse_ipv6("2001:db8::2");
    flow.nw_ttl = 255;
    auto advertisement = [&](const char* target, uint16_t type, uint16_t code) {
        flow.tp_src = type, flow.tp_dst = code;
        flow.nd_target = *packet::parse_ipv6(target);
        return packet::compose(flow, 0);
    };
    struct Step {
        const char* target;
        uint16_t type, code;
        uint32_t port;
    };
    for (int pass = 0; pass < 2; pass++) {
        for (Step step :
             {Step{"2001:db8::5", 128, 0, 2}, Step{"2001:db8::5", 136, 0, 0}, Step{"2001:db8::6", 136, 0, 3},
              Step{"2001:db9::5", 136, 0, 2}, Step{"2001:db8::5", 135, 0, 2}, Step{"2001:db8::5", 136, 1, 2},
              Step{"2001:db8::5", 136, 0, 0}}) {
            EXPECT_EQ(both.port(advertisement(step.target, step.type, step.code)), step.port)
                << step.target << " " << step.type << " " << step.code;
        }
        // The same message with an option of no length: no target is read from it.
        packet::Packet damaged = advertisement("2001:db8::5", 136, 0);
        uint8_t option[8] = {2, 0, 2, 0, 0, 0, 0, 7};
        damaged.append(option);
        uint8_t* length = damaged.data() + 18;
        length[1] = static_cast<uint8_t>(length[1] + 8);
        EXPECT_EQ(both.port(damaged), 2u);
    }
}

// Options of a tunnel header whose lengths lie: those that do not fit are not there (the class of
// CVE-2023-3966).
TEST(HostilePackets, GeneveOptionLengths) {
    openflow::TunnelTable table;
    openflow::TlvMapping mapping;
    mapping.option_class = 0x102;
    mapping.option_type = 0x80;
    mapping.option_len = 4;
    mapping.index = 0;
    ASSERT_TRUE(table.add(mapping));
    for (size_t size = 0; size <= packet::kTunnelMetadataBytes; size += 4) {
        for (unsigned words = 0; words < 32; words++) {
            packet::Flow key = packet::zero_flow();
            key.tunnel.dst = 1;
            key.tunnel.metadata_present = size;
            for (size_t at = 0; at + 4 <= packet::kTunnelMetadataBytes; at += 8) {
                uint8_t option[4] = {1, 2, 0x80, static_cast<uint8_t>(words)};
                std::memcpy(key.tunnel.metadata.data() + at, option, 4);
            }
            packet::Flow flow = to_openflow_key(key, table, 1);
            EXPECT_EQ(flow.tunnel.metadata_present, words == 1 && size >= 8 ? 1u : 0u)
                << size << " " << words;
            packet::Flow mask = packet::zero_flow();
            mask.tunnel.metadata_present = 1;
            mask.tunnel.metadata[0] = 0xff;
            (void)to_datapath_mask(key, mask, table);
        }
    }
    // A length beyond the room for options.
    packet::Flow key = packet::zero_flow();
    key.tunnel.metadata_present = ~uint64_t{0};
    (void)to_openflow_key(key, table, 1);
    (void)to_datapath_mask(key, packet::zero_flow(), table);
}

// Packets that each miss in another bit would leave as many masks as the tables' prefixes multiply to; they
// leave no more than their port may bring, and whoever was there before finds its flow as fast as ever (the
// class of CVE-2019-25076, tuple space explosion).
TEST(HostilePackets, MasksWithoutNumber) {
    net::Loop loop;
    TestWorld world(loop, "hm");
    for (uint32_t port : {1u, 2u}) world.add_port("br0", port);
    world.must_flow("br0", "priority=9,tcp,nw_dst=10.0.0.2,actions=2");
    world.must_flow("br0", "priority=8,tcp,nw_src=192.168.77.1,actions=drop");
    world.must_flow("br0", "priority=7,tcp,tp_dst=443,actions=drop");
    world.must_flow("br0", "priority=1,actions=drop");
    auto stats = [&] { return world.backer().datapath().stats(); };
    auto flow_of = [](uint32_t from) {
        packet::Flow flow = ip_flow();
        flow.tp_src = static_cast<uint16_t>(2000 + from);
        return flow;
    };
    auto tried = [&](uint32_t connections) {  // masks, for a packet of each of them
        uint64_t before = stats().masks_tried;
        for (uint32_t from = 0; from < connections; from++)
            world.receive(1, packet::compose(flow_of(from), 10));
        return (stats().masks_tried - before) / connections;
    };
    constexpr uint32_t kConnections = 300;
    (void)tried(kConnections);
    uint64_t quiet = tried(kConnections);
    uint32_t bits = 1;
    for (int i = 0; i < 6000; i++) {
        bits = bits * 1664525 + 1013904223;
        packet::Flow flow = ip_flow();
        // Right up to some bit, wrong from there on.
        flow.nw_dst = 0x0a000002u ^ (1u << (bits >> 8 & 31));
        flow.nw_src = 0xc0a84d01u ^ (1u << (bits >> 16 & 31));
        flow.tp_dst = static_cast<uint16_t>(443u ^ (1u << (bits >> 24 & 15)));
        world.receive(1, packet::compose(flow, 10));
    }
    (void)world.sent();
    EXPECT_GT(stats().masks, 100u);
    EXPECT_LE(stats().masks, world.backer().datapath().features().masks / 2 + 8);
    (void)tried(kConnections);  // may have lost their places in the exact-match cache
    EXPECT_LE(tried(kConnections), quiet + 1);
    EXPECT_EQ(world.sent()[2].size(), 2 * kConnections);
}

}  // namespace
}  // namespace weft::vswitch
