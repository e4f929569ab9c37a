// Packets made from random keys come back as those keys; rewritten ones have the checksums of packets made
// anew.

#include <gtest/gtest.h>

#include <random>

#include "packet/address.h"
#include "packet/checksum.h"
#include "packet/coalesce.h"
#include "packet/compose.h"
#include "packet/ethernet.h"
#include "packet/extract.h"
#include "packet/icmpv6.h"
#include "packet/ipv6.h"
#include "packet/mpls.h"
#include "packet/rewrite.h"
#include "packet/sctp.h"
#include "packet/segment.h"
#include "packet/tcp.h"
#include "packet/udp.h"
#include "packet/unfinished.h"

namespace weft::packet {
namespace {

using Random = std::mt19937;

template <typename Array>
void fill(Random& random, Array& array) {
    for (auto& byte : array) byte = static_cast<uint8_t>(random());
}

// A key that a packet can have.
Flow random_flow(Random& random) {
    Flow flow = zero_flow();
    fill(random, flow.dl_src);
    fill(random, flow.dl_dst);
    if (random() % 3 == 0) {
        flow.vlans[0].tpid = ethernet::kVlan;
        flow.vlans[0].tci = static_cast<uint16_t>(random() | kVlanCfi);
    }
    bool v6 = random() % 2;
    flow.dl_type = v6 ? ethernet::kIpv6 : ethernet::kIpv4;
    if (v6) {
        fill(random, flow.ipv6_src);
        fill(random, flow.ipv6_dst);
        flow.ipv6_label = random() & ipv6::kLabel;
    } else {
        flow.nw_src = static_cast<uint32_t>(random());
        flow.nw_dst = static_cast<uint32_t>(random());
    }
    flow.nw_tos = static_cast<uint8_t>(random());
    flow.nw_ttl = static_cast<uint8_t>(random());
    static constexpr uint8_t kProtocols[] = {protocol::kTcp, protocol::kUdp, protocol::kSctp, protocol::kIcmp,
                                             99};
    flow.nw_proto = kProtocols[random() % 5];
    if (flow.nw_proto == protocol::kIcmp && v6) flow.nw_proto = protocol::kIcmpv6;
    uint32_t fragment = random() % 8;
    if (fragment == 0) flow.nw_frag = kFragAny;
    if (fragment == 1) {
        flow.nw_frag = kFragAny | kFragLater;
        if (v6) flow.nw_proto = protocol::kFragment;
        return flow;
    }
    if (flow.nw_proto == 99) return flow;
    flow.tp_src = static_cast<uint16_t>(random());
    flow.tp_dst = static_cast<uint16_t>(random());
    if (flow.nw_proto == protocol::kTcp) flow.tcp_flags = random() & tcp::kFlags;
    if (flow.nw_proto == protocol::kIcmp) {
        flow.tp_src = flow.tp_src & 0xff;
        flow.tp_dst = flow.tp_dst & 0xff;
    }
    if (flow.nw_proto == protocol::kIcmpv6) {
        flow.tp_src = random() % 2 ? icmpv6::kNeighbourSolicitation : icmpv6::kEchoRequest;
        flow.tp_dst = 0;
        if (flow.tp_src == icmpv6::kNeighbourSolicitation) {
            fill(random, flow.nd_target);
            fill(random, flow.arp_sha);
            flow.nd_reserved = static_cast<uint32_t>(random());
            flow.nd_options_type = icmpv6::kNdSourceLinkLayer;
        }
    }
    return flow;
}

uint32_t seed() {
    static uint32_t value = std::random_device{}();
    return value;
}

bool transport_checksum_right(const Packet& packet) {
    Flow flow = zero_flow();
    Layout layout = extract(packet, flow);
    if (!layout.payload) return true;
    const uint8_t* p = packet.data();
    ByteView message = packet.view().subspan(layout.l4, layout.l3_end - layout.l4);
    if (flow.nw_proto == protocol::kSctp) {
        Bytes copy(message.begin(), message.end());
        uint32_t stored = 0;
        for (int i = 3; i >= 0; i--) stored = stored << 8 | copy[sctp::kChecksum + static_cast<size_t>(i)];
        std::memset(&copy[sctp::kChecksum], 0, 4);
        return crc32c(copy) == stored;
    }
    uint64_t sum = 0;
    uint32_t length = static_cast<uint32_t>(message.size());
    if (flow.dl_type == ethernet::kIpv6) {
        sum = pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, flow.nw_proto, length);
    } else {
        if (checksum(packet.view().subspan(layout.l3, 20)) != 0) return false;
        if (flow.nw_proto != protocol::kIcmp) sum = pseudo_header_sum(p + layout.l3, flow.nw_proto, length);
    }
    return checksum_fold(checksum_add(sum, message)) == 0xffff;
}

TEST(Packet, ComposeAndExtractAreInverse) {
    Random random(seed());
    for (int i = 0; i < 5000; i++) {
        Flow flow = random_flow(random);
        Packet packet = compose(flow, random() % 100);
        Flow back = zero_flow();
        extract(packet, back);
        ASSERT_TRUE(flow == back) << "seed " << seed() << " round " << i << " protocol " << int{flow.nw_proto}
                                  << " frag " << int{flow.nw_frag};
        ASSERT_TRUE(transport_checksum_right(packet)) << "seed " << seed() << " round " << i;
    }
}

TEST(Packet, ExtractTakesAnyBytes) {
    Random random(seed());
    for (int i = 0; i < 20000; i++) {
        Packet packet = compose(random_flow(random), random() % 40);
        packet.truncate(random() % (packet.size() + 1));
        for (uint32_t flips = random() % 4; flips && !packet.empty(); flips--) {
            packet.data()[random() % packet.size()] ^= static_cast<uint8_t>(1u << random() % 8);
        }
        Flow flow = zero_flow();
        Bytes exact(packet.view().begin(), packet.view().end());  // so that a read beyond it is found by asan
        Layout layout = extract(ByteView(exact), flow);
        ASSERT_LE(layout.payload, exact.size());
        ASSERT_LE(layout.l3_end, exact.size());
    }
}

// Sets every field of `packet` to `to`'s.
void rewrite_all(Packet& packet, Layout& layout, const Flow& from, const Flow& to) {
    set_eth(packet, to.dl_src, to.dl_dst);
    if (from.dl_type == ethernet::kIpv4) {
        ASSERT_TRUE(set_ipv4(packet, layout, to.nw_src, to.nw_dst, to.nw_tos, to.nw_ttl));
    } else {
        ASSERT_TRUE(set_ipv6(packet, layout, to.ipv6_src, to.ipv6_dst, to.ipv6_label, to.nw_tos, to.nw_ttl));
    }
    if (from.nw_frag & kFragLater) return;
    switch (from.nw_proto) {
        case protocol::kTcp:
        case protocol::kUdp:
        case protocol::kSctp:
            ASSERT_TRUE(set_ports(packet, layout, from.nw_proto, to.tp_src, to.tp_dst));
            break;
        case protocol::kIcmp:
            ASSERT_TRUE(set_icmp(packet, layout, false, static_cast<uint8_t>(to.tp_src),
                                 static_cast<uint8_t>(to.tp_dst)));
            break;
        case protocol::kIcmpv6:
            if (from.tp_src == icmpv6::kNeighbourSolicitation) {
                ASSERT_TRUE(set_nd(packet, layout, to.nd_target, to.arp_sha, {}));
                ASSERT_TRUE(set_nd_extensions(packet, layout, to.nd_reserved, to.nd_options_type));
            }
            break;
        default:
            break;
    }
}

TEST(Packet, RewrittenIsAsMadeAnew) {
    Random random(seed());
    int done = 0;
    for (int i = 0; done < 3000; i++) {
        Flow from = random_flow(random), to = random_flow(random);
        if (from.dl_type != to.dl_type || from.nw_proto != to.nw_proto || from.nw_frag != to.nw_frag)
            continue;
        if (from.vlans[0].tci != 0 || to.vlans[0].tci != 0) continue;
        if (from.nw_proto == protocol::kIcmpv6 && from.tp_src != to.tp_src) continue;
        done++;
        to.tcp_flags = from.tcp_flags;
        size_t payload = random() % 100;
        Packet packet = compose(from, payload);
        Flow flow = zero_flow();
        Layout layout = extract(packet, flow);
        ASSERT_NO_FATAL_FAILURE(rewrite_all(packet, layout, from, to));
        Packet expected = compose(to, payload);
        ASSERT_EQ(Bytes(packet.view().begin(), packet.view().end()),
                  Bytes(expected.view().begin(), expected.view().end()))
            << "seed " << seed() << " round " << i << " protocol " << int{from.nw_proto};
    }
}

TEST(Packet, VlanAndMplsPushAndPop) {
    Random random(seed());
    for (int i = 0; i < 500; i++) {
        Flow flow = random_flow(random);
        flow.vlans = {};
        Packet packet = compose(flow);
        Bytes before(packet.view().begin(), packet.view().end());
        Flow key = zero_flow();
        Layout layout = extract(packet, key);
        ASSERT_TRUE(push_mpls(packet, layout, ethernet::kMpls, 100 << 12 | 0x100 | 64));
        ASSERT_TRUE(push_vlan(packet, layout, ethernet::kVlan, 0x1000 | 77));
        Flow inside = zero_flow();
        Layout found = extract(packet, inside);
        EXPECT_EQ(inside.vlans[0].tci, 0x1000 | 77);
        EXPECT_EQ(inside.dl_type, ethernet::kMpls);
        EXPECT_EQ(inside.mpls_lse[0], uint32_t{100 << 12 | 0x100 | 64});
        EXPECT_EQ(found.l2_5, layout.l2_5);
        EXPECT_EQ(found.l3, layout.l3);
        ASSERT_TRUE(set_vlan_tci(packet, 5, 0xfff));
        ASSERT_TRUE(pop_vlan(packet, layout));
        ASSERT_TRUE(pop_mpls(packet, layout, flow.dl_type));
        ASSERT_EQ(Bytes(packet.view().begin(), packet.view().end()), before);
        EXPECT_FALSE(pop_vlan(packet, layout));
    }
}

// A TCP super-packet as a guest sends it: partial checksum, `total` bytes of payload.
Packet super_packet(Random& random, Flow& flow, size_t total, uint16_t mss) {
    do flow = random_flow(random);
    while (flow.nw_proto != protocol::kTcp || flow.nw_frag);
    flow.tcp_flags = tcp::kAck | tcp::kPsh | tcp::kFin | tcp::kCwr;
    Packet packet = compose(flow, total);
    Flow key = zero_flow();
    Layout layout = extract(packet, key);
    bool v6 = flow.dl_type == ethernet::kIpv6;
    uint32_t length = static_cast<uint32_t>(packet.size() - layout.l4);
    uint64_t sum = v6 ? pseudo_header_sum6(flow.ipv6_src, flow.ipv6_dst, protocol::kTcp, length)
                      : pseudo_header_sum(packet.data() + layout.l3, protocol::kTcp, length);
    store_be16(packet.data() + layout.l4 + tcp::kChecksum, checksum_fold(sum));
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = layout.l4;
    packet.offload.csum_offset = tcp::kChecksum;
    packet.offload.gso_type = v6 ? GsoType::kTcp6 : GsoType::kTcp4;
    packet.offload.gso_size = mss;
    return packet;
}

TEST(Segment, EverySegmentIsWholeAndTheirPayloadIsTheSuperPackets) {
    Random random(seed());
    for (int i = 0; i < 300; i++) {
        Flow flow;
        size_t total = random() % 20000;
        uint16_t mss = static_cast<uint16_t>(500 + random() % 1000);
        Packet super = super_packet(random, flow, total, mss);
        Flow key = zero_flow();
        Layout layout = extract(super, key);
        // Rewriting before or after segmentation is the same.
        if (flow.dl_type == ethernet::kIpv4) set_ipv4(super, layout, 0x0a000001, 0x0a000002, 0, 9);
        set_ports(super, layout, protocol::kTcp, 1, 2);
        Bytes payload(super.view().begin() + layout.payload, super.view().end());
        Bytes joined;
        std::vector<Packet> segments = segment(std::move(super));
        ASSERT_EQ(segments.size(), total ? (total + mss - 1) / mss : 1);
        for (size_t s = 0; s < segments.size(); s++) {
            ASSERT_TRUE(transport_checksum_right(segments[s])) << "seed " << seed() << " round " << i;
            Flow part = zero_flow();
            Layout at = extract(segments[s], part);
            ASSERT_EQ(part.tp_dst, 2);
            ASSERT_EQ(load_be32(segments[s].data() + at.l4 + tcp::kSequence), joined.size());
            bool last = s + 1 == segments.size();
            ASSERT_EQ(bool(part.tcp_flags & tcp::kFin), last);
            ASSERT_EQ(bool(part.tcp_flags & tcp::kCwr), s == 0);
            joined.insert(joined.end(), segments[s].view().begin() + at.payload, segments[s].view().end());
        }
        ASSERT_EQ(joined, payload);
    }
}

TEST(Segment, TagsAndLabelsAreOnEachSegment) {
    Random random(seed());
    for (int i = 0; i < 200; i++) {
        Flow flow;
        Packet super = super_packet(random, flow, 1000 + random() % 20000, 1000);
        size_t labels = random() % 4, tags = random() % 3;
        auto with_headers = [&](Packet packet) {
            auto layout_of = [&] {
                Flow key = zero_flow();
                return extract(packet, key);
            };
            for (size_t n = 0; n < labels; n++) {
                Layout layout = layout_of();
                push_mpls(packet, layout, ethernet::kMpls,
                          static_cast<uint32_t>(n << mpls::kLabelShift | 64 | (n ? 0 : mpls::kBottom)));
            }
            for (size_t n = 0; n < tags; n++) {
                Layout layout = layout_of();
                push_vlan(packet, layout, ethernet::kVlan, static_cast<uint16_t>(kVlanCfi | n));
            }
            return packet;
        };
        std::vector<Packet> expected = segment(super), got = segment(with_headers(super));
        ASSERT_EQ(got.size(), expected.size()) << "seed " << seed() << " round " << i;
        for (size_t n = 0; n < got.size(); n++) {
            Packet one = with_headers(expected[n]);
            ASSERT_EQ(Bytes(got[n].view().begin(), got[n].view().end()),
                      Bytes(one.view().begin(), one.view().end()))
                << "seed " << seed() << " round " << i;
        }
    }
}

TEST(Segment, SegmentsAreJoinedToTheSuperPacket) {
    Random random(seed());
    for (int i = 0; i < 200; i++) {
        Flow flow;
        Packet super = super_packet(random, flow, 3000 + random() % 20000, 1448);
        // What segmentation may not leave on the first: CWR.
        Flow key = zero_flow();
        Layout layout = extract(super, key);
        store_be16(super.data() + layout.l4 + tcp::kOffsetFlags, 5 << 12 | tcp::kAck | tcp::kPsh);
        Bytes whole(super.view().begin(), super.view().end());
        Offload offload = super.offload;
        std::vector<Packet> segments = segment(std::move(super));
        Coalescer coalescer;
        ASSERT_TRUE(coalescer.start(segments[0].view()));
        for (size_t s = 1; s < segments.size(); s++) ASSERT_TRUE(coalescer.append(segments[s].view())) << s;
        EXPECT_FALSE(coalescer.append(segments[0].view()));
        Packet joined = coalescer.finish();
        ASSERT_EQ(Bytes(joined.view().begin(), joined.view().end()), whole)
            << "seed " << seed() << " round " << i;
        EXPECT_TRUE(joined.offload == offload);
        // One damaged byte is not joined.
        ASSERT_TRUE(coalescer.start(segments[0].view()));
        segments[1].data()[segments[1].size() - 1] ^= 1;
        EXPECT_FALSE(coalescer.append(segments[1].view()));
        coalescer.finish();
    }
}

// What comes of a packet whose checksum, and cutting, was left to a device that there is not.
TEST(Segment, UnfinishedPacketsAreKnown) {
    Random random(7);
    size_t known = 0;
    for (int i = 0; i < 2000; i++) {
        Flow flow = random_flow(random);
        if (flow.nw_frag) continue;
        size_t payload = 1 + random() % (i % 4 ? 1000 : 9000);
        Packet whole = compose(flow, payload);
        Flow key = zero_flow();
        Layout layout = extract(whole, key);
        bool tcp = key.nw_proto == protocol::kTcp, ports = tcp || key.nw_proto == protocol::kUdp;
        if (!ports || !layout.payload) {
            EXPECT_FALSE(mark_unfinished(whole));
            continue;
        }
        Packet left = whole;
        const uint8_t* ip = left.data() + layout.l3;
        auto length = static_cast<uint32_t>(layout.l3_end - layout.l4);
        uint64_t sum = key.dl_type == ethernet::kIpv4
                           ? pseudo_header_sum(ip, key.nw_proto, length)
                           : pseudo_header_sum6(key.ipv6_src, key.ipv6_dst, key.nw_proto, length);
        store_be16(left.data() + layout.l4 + (tcp ? tcp::kChecksum : udp::kChecksum), checksum_fold(sum));
        ASSERT_TRUE(mark_unfinished(left));
        known++;
        bool cut = tcp && layout.l3_end - layout.l3 > 1500;
        EXPECT_EQ(left.offload.gso_type != GsoType::kNone, cut);
        if (mark_unfinished(whole)) finish_checksum(whole);  // once in 65536
        if (!cut) {
            finish_checksum(left);
            ASSERT_EQ(Bytes(left.view().begin(), left.view().end()),
                      Bytes(whole.view().begin(), whole.view().end()));
            continue;
        }
        size_t bytes = 0;
        for (const Packet& one : segment(std::move(left))) {
            Flow part = zero_flow();
            Layout at = extract(one, part);
            EXPECT_LE(static_cast<size_t>(at.l3_end - at.l3), 1280u);
            bytes += static_cast<size_t>(at.l3_end - at.payload);
        }
        EXPECT_EQ(bytes, static_cast<size_t>(layout.l3_end - layout.payload));
    }
    EXPECT_GT(known, 500u);
}

TEST(Segment, Ipv4FragmentsJoinAgain) {
    Flow flow = zero_flow();
    flow.packet_type = 1u << 16 | ethernet::kIpv4;
    flow.dl_type = ethernet::kIpv4;
    flow.nw_src = 1;
    flow.nw_proto = 99;
    Packet packet = compose(flow, 4000);
    Bytes joined;
    for (const Packet& fragment : fragment_ipv4(packet, 1500)) {
        ASSERT_LE(fragment.size(), 1500u);
        EXPECT_EQ(checksum(fragment.view().first(20)), 0);
        EXPECT_EQ((load_be16(fragment.data() + 6) & ipv4::kOffset) * 8u, joined.size());
        joined.insert(joined.end(), fragment.view().begin() + 20, fragment.view().end());
        bool more = load_be16(fragment.data() + 6) & ipv4::kMoreFragments;
        EXPECT_EQ(more, joined.size() < 4000);
    }
    EXPECT_EQ(joined, Bytes(packet.view().begin() + 20, packet.view().end()));
}

TEST(Compose, NeighbourDiscovery) {
    EthAddr mac = *parse_eth("0a:00:00:00:00:01");
    Ipv6Addr us = *parse_ipv6("fe80::1"), target = *parse_ipv6("fe80::2:3");
    Packet packet = compose_nd_ns(mac, us, target);
    Flow flow = zero_flow();
    extract(packet, flow);
    EXPECT_EQ(flow.dl_dst, *parse_eth("33:33:ff:02:00:03"));
    EXPECT_EQ(flow.nd_target, target);
    EXPECT_EQ(flow.arp_sha, mac);
    EXPECT_TRUE(transport_checksum_right(packet));
    Packet reply = compose_nd_na(mac, mac, us, target, us, 0x60000000);
    extract(reply, flow);
    EXPECT_EQ(flow.arp_tha, mac);
    EXPECT_EQ(flow.nd_reserved, 0x60000000u);
    EXPECT_TRUE(transport_checksum_right(reply));
}

TEST(Address, Text) {
    EXPECT_EQ(to_string(*parse_eth("0:1:a:B:cc:DD")), "00:01:0a:0b:cc:dd");
    EXPECT_FALSE(parse_eth("00:01:02:03:04"));
    EXPECT_FALSE(parse_eth("00:01:02:03:04:05:06"));
    EXPECT_FALSE(parse_eth("000:1:02:03:04:05"));
    EXPECT_EQ(ipv4_to_string(*parse_ipv4("192.0.2.1")), "192.0.2.1");
    EXPECT_FALSE(parse_ipv4("192.0.2"));
    EXPECT_FALSE(parse_ipv4("192.0.2.1 "));
    EXPECT_EQ(to_string(*parse_ipv6("2001:DB8:0:0::1")), "2001:db8::1");
    EXPECT_EQ(mapped_ipv4(map_ipv4(7)), 7u);
}

}  // namespace
}  // namespace weft::packet
