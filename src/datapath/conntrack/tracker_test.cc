// The tracker as a datapath uses it: packets in, ct_state and packets out; and what it does with anything at
// all.

#include "datapath/conntrack/tracker.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "packet/checksum.h"
#include "packet/ethernet.h"
#include "packet/icmp.h"
#include "packet/ipv4.h"
#include "packet/ipv6.h"
#include "packet/segment.h"
#include "packet/tcp.h"
#include "packet/udp.h"

namespace weft::datapath::conntrack {

namespace {

using packet::Flow;
using packet::Packet;

constexpr uint32_t kTrk = packet::kCtTracked, kNew = kTrk | packet::kCtNew,
                   kEst = kTrk | packet::kCtEstablished, kRpl = packet::kCtReply,
                   kInv = kTrk | packet::kCtInvalid, kRel = kTrk | packet::kCtRelated,
                   kSnat = packet::kCtSnat, kDnat = packet::kCtDnat;
constexpr uint32_t kA = 0x0a000001, kB = 0x0a000002, kC = 0x0a010101;

Packet ipv4(uint32_t src, uint32_t dst, uint8_t protocol, ByteView payload, uint16_t id = 1,
            uint16_t fragment = 0) {
    ByteWriter out;
    out.zeros(12);
    out.u16(packet::ethernet::kIpv4);
    out.u8(0x45);
    out.u8(0);
    out.u16(static_cast<uint16_t>(20 + payload.size()));
    out.u16(id);
    out.u16(fragment);
    out.u8(64);
    out.u8(protocol);
    out.u16(0);
    out.u32(src);
    out.u32(dst);
    out.patch_u16(24, packet::checksum(out.view().subspan(14, 20)));
    out.bytes(payload);
    return Packet(out.view());
}

uint16_t pseudo(uint32_t src, uint32_t dst, uint8_t protocol, ByteView payload) {
    uint8_t header[20] = {};
    store_be32(header + 12, src);
    store_be32(header + 16, dst);
    uint64_t sum = packet::pseudo_header_sum(header, protocol, static_cast<uint32_t>(payload.size()));
    return static_cast<uint16_t>(~packet::checksum_fold(packet::checksum_add(sum, payload)));
}

Bytes udp_datagram(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, size_t size = 5) {
    ByteWriter out;
    out.u16(sport);
    out.u16(dport);
    out.u16(static_cast<uint16_t>(8 + size));
    out.u16(0);
    for (size_t i = 0; i < size; i++) out.u8(static_cast<uint8_t>(i));
    out.patch_u16(6, pseudo(src, dst, 17, out.view()));
    return out.take();
}

Packet udp(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport) {
    return ipv4(src, dst, 17, udp_datagram(src, dst, sport, dport));
}

Packet tcp(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint16_t flags, uint32_t seq,
           uint32_t ack, std::string_view data = {}) {
    ByteWriter out;
    out.u16(sport);
    out.u16(dport);
    out.u32(seq);
    out.u32(ack);
    out.u16(static_cast<uint16_t>(0x5000 | flags));
    out.u16(65535);
    out.u32(0);
    out.bytes(as_bytes(data));
    out.patch_u16(16, pseudo(src, dst, 6, out.view()));
    return ipv4(src, dst, 6, out.view());
}

Packet icmp(uint32_t src, uint32_t dst, uint8_t type, uint32_t rest, ByteView data = {}) {
    ByteWriter out;
    out.u8(type);
    out.u8(0);
    out.u16(0);
    out.u32(rest);
    out.bytes(data);
    out.patch_u16(2, packet::checksum(out.view()));
    return ipv4(src, dst, 1, out.view());
}

struct Out {
    Tracked tracked;
    uint32_t state;
    Flow key;
    Packet packet;
    std::vector<Packet> fragments;
    Flow seen;  // the packet's own key afterwards
};

class TrackerTest : public testing::Test {
  protected:
    Out track(Packet packet, const Conntrack& action = {}, const Flow* before = nullptr) {
        Out out;
        out.key = before ? *before : packet::zero_flow();
        packet::Layout layout = packet::extract(packet, out.key);
        explain::DropReason reason;
        out.tracked = tracker_.track(packet, layout, out.key, action, now_ms_, out.fragments, reason);
        out.state = out.key.ct_state;
        out.packet = std::move(packet);
        out.seen = packet::zero_flow();
        if (out.tracked == Tracked::kGoOn) packet::extract(out.packet, out.seen);
        return out;
    }
    static Conntrack commit(std::optional<NatRange> nat = std::nullopt) {
        Conntrack action;
        action.commit = true;
        action.nat = nat;
        return action;
    }
    static Conntrack translate() {
        Conntrack action;
        action.nat.emplace();
        return action;
    }
    static NatRange range(bool source, uint32_t address, uint16_t min = 0, uint16_t max = 0) {
        NatRange range;
        range.source = source;
        range.destination = !source;
        store_be32(range.min_address.data(), address);
        range.max_address = range.min_address;
        range.min_port = min;
        range.max_port = max;
        return range;
    }
    // The checksums of a packet that came out.
    static void expect_right(const Packet& packet) {
        Flow flow = packet::zero_flow();
        packet::Layout layout = packet::extract(packet, flow);
        EXPECT_TRUE(read_headers(packet, layout, flow, 0).has_value());
    }

    Tracker tracker_;
    int64_t now_ms_ = 1000000;
};

}  // namespace

TEST_F(TrackerTest, NothingIsKeptWithoutCommit) {
    EXPECT_EQ(track(udp(kA, kB, 1, 2)).state, kNew);
    EXPECT_EQ(track(udp(kB, kA, 2, 1)).state, kNew);
    EXPECT_EQ(tracker_.count(std::nullopt), 0u);
}

TEST_F(TrackerTest, AnswersAreEstablished) {
    Conntrack action = commit();
    action.mark = {7, 0xff};
    action.label.emplace();
    action.label->first[15] = 5;
    action.label->second[15] = 0xff;
    EXPECT_EQ(track(udp(kA, kB, 1, 2), action).state, kNew);
    Out back = track(udp(kB, kA, 2, 1));
    EXPECT_EQ(back.state, kEst | kRpl);
    EXPECT_EQ(back.key.ct_mark, 7u);
    EXPECT_EQ(back.key.ct_label[15], 5);
    EXPECT_EQ(back.key.ct_nw_src, kA);
    EXPECT_EQ(back.key.ct_tp_dst, 2u);
    EXPECT_EQ(track(udp(kA, kB, 1, 2)).state, kEst);
    action = {};
    action.zone = 1;
    EXPECT_EQ(track(udp(kB, kA, 2, 1), action).state, kNew) << "zones are worlds of their own";
}

TEST_F(TrackerTest, ForceTurnsAConnectionRound) {
    track(udp(kA, kB, 1, 2), commit());
    Conntrack force = commit();
    force.force = true;
    EXPECT_EQ(track(udp(kB, kA, 2, 1), force).state, kNew);
    EXPECT_EQ(track(udp(kA, kB, 1, 2)).state, kEst | kRpl);
}

TEST_F(TrackerTest, ConnectionsEndByTime) {
    track(udp(kA, kB, 1, 2), commit());
    now_ms_ += 59999;
    EXPECT_EQ(track(udp(kA, kB, 1, 2)).state, kNew);
    EXPECT_EQ(tracker_.count(std::nullopt), 1u);
    now_ms_ += 60000;
    EXPECT_EQ(track(udp(kB, kA, 2, 1)).state, kNew);
    now_ms_ += 2000;
    tracker_.run(now_ms_);
    EXPECT_EQ(tracker_.count(std::nullopt), 0u);
    // Far beyond the wheel.
    track(tcp(kA, kB, 1, 2, packet::tcp::kSyn, 1, 0), commit());
    track(tcp(kB, kA, 2, 1, packet::tcp::kSyn | packet::tcp::kAck, 1, 2));
    track(tcp(kA, kB, 1, 2, packet::tcp::kAck, 2, 2));
    for (int i = 0; i < 86000; i += 10) {
        now_ms_ += 10000;
        tracker_.run(now_ms_);
    }
    EXPECT_EQ(tracker_.count(std::nullopt), 1u);
    now_ms_ += 500000;
    while (tracker_.run(now_ms_)) {
    }
    EXPECT_EQ(tracker_.count(std::nullopt), 0u);
}

TEST_F(TrackerTest, TimeoutPolicies) {
    ASSERT_TRUE(tracker_.set_timeout_policy("p", {{"udp_first", 5}, {"tcp_unack", 3}}).ok());
    EXPECT_FALSE(tracker_.set_timeout_policy("p", {{"udp_fist", 5}}).ok());
    Conntrack action = commit();
    action.timeout_policy = "p";
    track(udp(kA, kB, 1, 2), action);
    now_ms_ += 4999;
    EXPECT_EQ(tracker_.count(std::nullopt), 1u);
    now_ms_ += 2;
    EXPECT_EQ(track(udp(kB, kA, 2, 1)).state, kNew);
}

TEST_F(TrackerTest, LimitsKeepWhatIsThere) {
    tracker_.set_max_connections(3);
    tracker_.set_zone_limit(0, 2);
    for (uint16_t port = 1; port < 100; port++) EXPECT_EQ(track(udp(kA, kB, port, 2), commit()).state, kNew);
    EXPECT_EQ(tracker_.count(0), 2u);
    EXPECT_EQ(track(udp(kB, kA, 2, 1)).state, kEst | kRpl);
    EXPECT_EQ(track(udp(kB, kA, 2, 50)).state, kNew);
    // A flood's remains go, and there is room again.
    now_ms_ += 61000;
    track(udp(kA, kB, 200, 2), commit());
    EXPECT_EQ(track(udp(kB, kA, 2, 200)).state, kEst | kRpl);
}

TEST_F(TrackerTest, SourceTranslationBothWays) {
    Out out = track(udp(kA, kB, 1000, 53), commit(range(true, kC)));
    EXPECT_EQ(out.state, kNew | kSnat);
    EXPECT_EQ(out.seen.nw_src, kC);
    EXPECT_EQ(out.seen.tp_src, 1000u);
    expect_right(out.packet);
    // The same port of another host.
    out = track(udp(kA + 5, kB, 1000, 53), commit(range(true, kC)));
    EXPECT_EQ(out.seen.tp_src, 1001u);
    expect_right(out.packet);
    Out back = track(udp(kB, kC, 53, 1001), translate());
    EXPECT_EQ(back.state, kEst | kRpl | kDnat);
    EXPECT_EQ(back.seen.nw_dst, kA + 5);
    EXPECT_EQ(back.seen.tp_dst, 1000u);
    expect_right(back.packet);
    EXPECT_EQ(track(udp(kB, kC, 53, 1001)).seen.nw_dst, kC) << "only where nat is asked for";
}

TEST_F(TrackerTest, TranslatedTwiceInOnePipeline) {
    track(udp(kA, kB, 1000, 53), commit(range(true, kC)));
    Out first = track(udp(kA, kB, 1000, 53), translate());
    EXPECT_EQ(first.state, kNew | kSnat);
    Out second = track(std::move(first.packet), commit(range(true, kC)), &first.key);
    EXPECT_EQ(second.state, kNew | kSnat);
    EXPECT_EQ(second.seen.tp_src, 1000u);
    EXPECT_EQ(tracker_.count(std::nullopt), 1u);
}

TEST_F(TrackerTest, PortsRunOut) {
    for (uint32_t i = 0; i < 4; i++) {
        Out out = track(udp(kA + i, kB, 1000, 53), commit(range(true, kC, 5000, 5003)));
        EXPECT_EQ(out.state, kNew | kSnat);
        EXPECT_GE(out.seen.tp_src, 5000u);
        EXPECT_LE(out.seen.tp_src, 5003u);
    }
    EXPECT_EQ(track(udp(kA + 9, kB, 1000, 53), commit(range(true, kC, 5000, 5003))).tracked,
              Tracked::kDropped);
    EXPECT_EQ(tracker_.count(std::nullopt), 4u);
}

TEST_F(TrackerTest, PingsOfTwoHostsBehindOneAddress) {
    Out one = track(icmp(kA, kB, 8, 0x50001), commit(range(true, kC)));
    Out two = track(icmp(kA + 5, kB, 8, 0x50001), commit(range(true, kC)));
    expect_right(two.packet);
    uint32_t rest = load_be32(two.packet.data() + 34 + 4);
    EXPECT_NE(rest, 0x50001u);
    Out back = track(icmp(kB, kC, 0, rest), translate());
    EXPECT_EQ(back.state, kEst | kRpl | kDnat);
    EXPECT_EQ(back.seen.nw_dst, kA + 5);
    EXPECT_EQ(load_be32(back.packet.data() + 34 + 4), 0x50001u);
    expect_right(back.packet);
}

TEST_F(TrackerTest, ErrorsAreRelatedAndTranslated) {
    Out out = track(udp(kA, kB, 1000, 53), commit(range(true, kC)));
    ByteView quoted = out.packet.view().subspan(14, 28);
    Out error = track(icmp(0x09090909, kC, 3, 0, quoted), translate());
    EXPECT_EQ(error.state, kRel | kRpl | kDnat);
    EXPECT_EQ(error.seen.nw_src, 0x09090909u);
    EXPECT_EQ(error.seen.nw_dst, kA);
    EXPECT_EQ(load_be32(error.packet.data() + 42 + 12), kA);
    EXPECT_EQ(packet::checksum(error.packet.view().subspan(42, 20)), 0);
    EXPECT_EQ(packet::checksum(error.packet.view().subspan(34)), 0);
    EXPECT_EQ(track(icmp(0x09090909, kA, 3, 0, quoted)).state, kInv) << "not for who sent it";
    EXPECT_EQ(track(icmp(0x09090909, kC, 3, 0, quoted.first(20))).state, kInv);
}

TEST_F(TrackerTest, SuperPacketsAndPartialChecksums) {
    Packet packet = tcp(kA, kB, 1, 2, packet::tcp::kSyn, 1, 0);
    packet.offload.checksum_partial = true;
    packet.offload.csum_start = 34;
    packet.offload.csum_offset = 16;
    Flow flow = packet::zero_flow();
    packet::extract(packet, flow);
    uint8_t header[20] = {};
    store_be32(header + 12, kA);
    store_be32(header + 16, kB);
    store_be16(packet.data() + 34 + 16, packet::checksum_fold(packet::pseudo_header_sum(header, 6, 20)));
    Out out = track(std::move(packet), commit(range(true, kC, 5000, 5000)));
    EXPECT_EQ(out.state, kNew | kSnat);
    EXPECT_EQ(out.seen.tp_src, 5000u);
    EXPECT_TRUE(out.packet.offload.checksum_partial);
    packet::finish_checksum(out.packet);
    expect_right(out.packet);
}

TEST_F(TrackerTest, FragmentsAreTrackedAsOne) {
    Bytes datagram = udp_datagram(kA, kB, 1000, 53, 3000);
    auto piece = [&](size_t at, size_t size) {
        size_t take = std::min(size, datagram.size() - at);
        uint16_t more = at + take < datagram.size() ? packet::ipv4::kMoreFragments : 0;
        return ipv4(kA, kB, 17, ByteView(datagram).subspan(at, take), 77,
                    static_cast<uint16_t>(at / 8 | more));
    };
    EXPECT_EQ(track(piece(2960, 1480), commit(range(true, kC))).tracked, Tracked::kHeld);
    EXPECT_EQ(track(piece(0, 1480), commit(range(true, kC))).tracked, Tracked::kHeld);
    EXPECT_EQ(track(piece(8, 1480)).state, kInv) << "overlaps";
    Out out = track(piece(1480, 1480), commit(range(true, kC)));
    ASSERT_EQ(out.tracked, Tracked::kFragments);
    EXPECT_EQ(out.state, kNew | kSnat);
    ASSERT_EQ(out.fragments.size(), 3u);
    Bytes whole;
    for (const Packet& fragment : out.fragments) {
        Flow flow = packet::zero_flow();
        packet::Layout layout = packet::extract(fragment, flow);
        EXPECT_EQ(flow.nw_src, kC);
        EXPECT_EQ(packet::checksum(fragment.view().subspan(14, 20)), 0);
        whole.insert(whole.end(), fragment.data() + layout.l4, fragment.data() + fragment.size());
    }
    expect_right(ipv4(kC, kB, 17, whole));
    EXPECT_EQ(track(piece(0, 1480)).tracked, Tracked::kHeld);
    EXPECT_EQ(tracker_.fragment_status(false).fragments, 1u);
    now_ms_ += 15001;
    tracker_.run(now_ms_);
    EXPECT_EQ(tracker_.fragment_status(false).fragments, 0u);
    EXPECT_EQ(track(ipv4(kA, kB, 17, ByteView(datagram).first(800), 5, packet::ipv4::kMoreFragments)).state,
              kInv)
        << "too small";
}

// The client of a control connection hides behind an address whose text is longer than its own.
TEST_F(TrackerTest, WhatFtpAnnouncesIsRelated) {
    constexpr uint32_t kLong = 0xc8c8c8c8;
    constexpr uint16_t kSyn = 2, kAck = 16, kPush = 8;
    Conntrack keep = commit(range(true, kLong));
    keep.helper = "ftp";
    track(tcp(kA, kB, 3000, 21, kSyn, 100, 0), keep);
    track(tcp(kB, kLong, 21, 3000, kSyn | kAck, 500, 101), translate());
    track(tcp(kA, kB, 3000, 21, kAck, 101, 501), translate());

    // In pieces it is let through as it is, and announces nothing.
    std::string said = "PORT 10,0,0,1,4,2\r\n" + std::string(1980, 'x');
    Packet whole = tcp(kA, kB, 3000, 21, kAck, 101, 501, said);
    ByteView segment = whole.view().subspan(34);
    auto piece = [&](size_t at, size_t size) {
        uint16_t more = at + size < segment.size() ? packet::ipv4::kMoreFragments : 0;
        return ipv4(kA, kB, 6, segment.subspan(at, size), 9, static_cast<uint16_t>(at / 8 | more));
    };
    EXPECT_EQ(track(piece(0, 1480), translate()).tracked, Tracked::kHeld);
    Out pieces = track(piece(1480, segment.size() - 1480), translate());
    ASSERT_EQ(pieces.tracked, Tracked::kFragments);
    Bytes together;
    for (const Packet& fragment : pieces.fragments) {
        ByteView view = fragment.view().subspan(34);
        together.insert(together.end(), view.begin(), view.end());
    }
    expect_right(ipv4(kLong, kB, 6, together));
    EXPECT_EQ(std::string(together.begin() + 20, together.end()), said);
    EXPECT_EQ(track(tcp(kB, kLong, 20, 1026, kSyn, 1, 0)).state, kNew);

    auto sequence = static_cast<uint32_t>(101 + said.size());
    Out out = track(tcp(kA, kB, 3000, 21, kAck | kPush, sequence, 501, "PORT 10,0,0,1,4,1\r\n"), translate());
    EXPECT_EQ(out.state, kEst | kSnat);
    expect_right(out.packet);
    ByteView text = out.packet.view().subspan(54);
    EXPECT_EQ(std::string(text.begin(), text.end()), "PORT 200,200,200,200,4,1\r\n");
    // Both ends see a stream without gaps.
    Out answer = track(tcp(kB, kLong, 21, 3000, kAck, 501, sequence + 26), translate());
    EXPECT_EQ(answer.state, kEst | kRpl | kDnat);
    EXPECT_EQ(load_be32(answer.packet.data() + 42), sequence + 19);
    Out next = track(tcp(kA, kB, 3000, 21, kAck | kPush, sequence + 19, 501, "NOOP\r\n"), translate());
    EXPECT_EQ(load_be32(next.packet.data() + 38), sequence + 26);
    expect_right(next.packet);

    EXPECT_EQ(track(tcp(kB, kLong, 20, 1026, kSyn, 1, 0)).state, kNew) << "another port";
    Conntrack related = commit();
    related.nat.emplace();
    Out first = track(tcp(kB, kLong, 20, 1025, kSyn, 1, 0), related);
    EXPECT_EQ(first.state, kNew | packet::kCtRelated | kDnat);
    EXPECT_EQ(first.seen.nw_dst, kA);
    EXPECT_EQ(track(tcp(kA, kB, 1025, 20, kSyn | kAck, 1, 2), translate()).state,
              kEst | kRpl | packet::kCtRelated | kSnat);
    EXPECT_EQ(track(tcp(kB, kLong, 21, 1025, kSyn, 1, 0)).state, kNew) << "announced once";
}

TEST_F(TrackerTest, LiesAreInvalid) {
    Packet bad = udp(kA, kB, 1, 2);
    bad.data()[41] ^= 1;
    EXPECT_EQ(track(std::move(bad)).state, kInv);
    bad = udp(kA, kB, 1, 2);
    bad.data()[24] ^= 1;
    EXPECT_EQ(track(std::move(bad)).state, kInv);
    EXPECT_EQ(track(udp(kA, kB, 0, 2)).state, kInv);
    EXPECT_EQ(track(icmp(kA, kB, 0, 1)).state, kInv) << "an answer to nothing";
    EXPECT_EQ(track(icmp(kA, kB, 9, 1)).state, kInv);
}

TEST_F(TrackerTest, FlushesByTuple) {
    for (uint16_t port = 1; port <= 4; port++) track(udp(kA, kB, port, 2), commit());
    PartialTuple some;
    some.protocol = 17;
    some.src_port = 3;
    EXPECT_EQ(tracker_.flush(0, some, {}), 1u);
    EXPECT_EQ(tracker_.flush(1, {}, {}), 0u);
    EXPECT_EQ(tracker_.flush(std::nullopt, {}, some), 0u);
    EXPECT_EQ(tracker_.flush(std::nullopt, {}, {}), 3u);
    EXPECT_EQ(track(udp(kB, kA, 2, 1)).state, kNew);
}

TEST_F(TrackerTest, FlushesByMarkAndLabel) {
    for (uint16_t port = 1; port <= 4; port++) {
        Conntrack action = commit();
        action.mark = {port << 16 | 7, UINT32_MAX};
        packet::Be128 label{}, all;
        label[15] = static_cast<uint8_t>(port % 2);
        label[0] = 9;
        all.fill(0xff);
        action.label = {label, all};
        track(udp(kA, kB, port, 2), action);
    }
    PartialMarks marks;
    marks.mark = 3 << 16;
    marks.mark_mask = 0xffff0000;
    EXPECT_EQ(tracker_.flush(1, {}, {}, marks), 0u);
    EXPECT_EQ(tracker_.flush(0, {}, {}, marks), 1u);
    marks = {};
    marks.label[15] = 1;
    marks.label_mask[15] = 0xff;
    EXPECT_EQ(tracker_.flush(std::nullopt, {}, {}, marks), 1u);
    marks.label[15] = 0;
    PartialTuple some;
    some.protocol = 17;
    some.src_port = 4;
    EXPECT_EQ(tracker_.flush(std::nullopt, some, {}, marks), 1u) << "of those with the label the one";
    EXPECT_EQ(tracker_.flush(std::nullopt, {}, {}), 1u);
}

// Anything at all, mutated from packets that make sense: no crash, bounded memory, and behind a rule that
// lets in only answers (`est`) nothing comes from outside that no connection from inside made possible.
// A dump is told piece by piece, and the tracker goes on between them: what has ended by then is left out.
TEST_F(TrackerTest, DumpsPieceByPiece) {
    for (uint16_t port = 1; port <= 1000; port++) track(udp(kA, kB, port, 9), commit());
    std::set<uint16_t> ports;
    tracker_.dump(std::nullopt, now_ms_,
                  [&](const datapath::Connection& one) { ports.insert(one.original.src_port); });
    EXPECT_EQ(ports.size(), 1000u);
    size_t told = 0;
    tracker_.dump(std::nullopt, now_ms_, [&](const datapath::Connection&) {
        if (!told++) EXPECT_EQ(tracker_.flush(std::nullopt, {}, {}), 1000u);
    });
    EXPECT_GT(told, 0u);
    EXPECT_LT(told, 1000u);
}

TEST_F(TrackerTest, AnythingAtAll) {
    uint32_t seed = std::random_device()();
    if (const char* given = std::getenv("WEFT_SEED"))
        seed = static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    auto below = [&](uint32_t n) { return random() % n; };
    tracker_.set_max_connections(500);
    size_t established = 0, invalid = 0, fragments = 0;
    for (int i = 0; i < 60000; i++) {
        bool inside = below(2);
        uint32_t src = (inside ? kA : kB) + below(4) * 256, dst = (inside ? kB : kA) + below(4) * 256;
        auto sport = static_cast<uint16_t>(below(6)), dport = static_cast<uint16_t>(below(6));
        Packet packet;
        switch (below(5)) {
            case 0:
                packet = udp(src, dst, sport, dport);
                break;
            case 1:
                packet =
                    tcp(src, dst, sport, dport, static_cast<uint16_t>(below(64)), below(3000), below(3000));
                break;
            case 2:
                packet = icmp(src, dst, static_cast<uint8_t>(below(20)), below(4));
                break;
            case 3: {
                Packet about = below(2) ? udp(dst, src, sport, dport) : tcp(dst, src, sport, dport, 2, 1, 1);
                packet = icmp(src, dst, below(2) ? 3 : 11, 0,
                              about.view().subspan(14, below(static_cast<uint32_t>(about.size() - 13))));
                break;
            }
            default: {
                if (below(2)) {  // pieces so few that some of them make a whole
                    packet = ipv4(inside ? kA : kB, inside ? kB : kA, 17, Bytes(1200), 0,
                                  static_cast<uint16_t>(below(3) * 150 | below(2) << 13));
                    break;
                }
                Bytes piece(below(40) * 8 + below(2) * 1200);
                packet = ipv4(src, dst, 17, piece, static_cast<uint16_t>(below(4)),
                              static_cast<uint16_t>(below(8191) | below(2) << 13));
                break;
            }
        }
        if (!below(4)) {  // damage
            for (uint32_t n = below(4); n; n--)
                packet.data()[below(static_cast<uint32_t>(packet.size()))] ^=
                    static_cast<uint8_t>(1 << below(8));
        }
        if (!below(8)) packet.truncate(below(static_cast<uint32_t>(packet.size())));
        if (!below(16)) {
            packet.offload.checksum_partial = true;
            packet.offload.csum_start = static_cast<uint16_t>(below(100));
            packet.offload.csum_offset = static_cast<uint16_t>(below(30));
            if (below(2))
                packet.offload.gso_type = packet::GsoType::kTcp4,
                packet.offload.gso_size = static_cast<uint16_t>(below(2000));
        }
        Conntrack action = below(2) ? translate() : Conntrack{};
        action.zone = static_cast<uint16_t>(below(2));
        Out out = track(std::move(packet), action);
        if (out.tracked == Tracked::kFragments) fragments++;
        if (out.tracked == Tracked::kGoOn) {
            ASSERT_TRUE(out.state & packet::kCtTracked);
            bool est = out.state & packet::kCtEstablished, inv = out.state & packet::kCtInvalid;
            ASSERT_FALSE(est && inv);
            established += est;
            invalid += inv;
            if (inside && (out.state & packet::kCtNew)) {
                Conntrack keep = commit();
                keep.zone = action.zone;
                if (below(2)) keep.nat = range(below(2), kC + below(2), 0, 0);
                track(std::move(out.packet), keep, &out.key);
            }
        }
        now_ms_ += below(100);
        ASSERT_LE(tracker_.count(std::nullopt), 500u);
        ASSERT_LE(tracker_.fragment_status(false).fragments, 1000u);
        if (!below(100)) tracker_.run(now_ms_);
    }
    // The test means something only if all of it happened.
    EXPECT_GT(established, 100u);
    EXPECT_GT(invalid, 1000u);
    EXPECT_GT(fragments, 100u);
}

// Only what answers a connection from inside is established from outside.
TEST_F(TrackerTest, NobodyComesInUninvited) {
    std::mt19937 random(7);
    for (int i = 0; i < 20000; i++) {
        auto below = [&](uint32_t n) { return random() % n; };
        Packet packet = tcp(kB, kA, static_cast<uint16_t>(1 + below(3)), static_cast<uint16_t>(1 + below(3)),
                            static_cast<uint16_t>(below(64)), random(), random());
        Out out = track(std::move(packet));
        ASSERT_FALSE(out.state & (packet::kCtEstablished | packet::kCtRelated | packet::kCtReply));
    }
}

}  // namespace weft::datapath::conntrack
