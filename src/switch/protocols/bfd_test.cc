#include "switch/protocols/bfd.h"

#include <gtest/gtest.h>

#include <fmt/core.h>
#include <deque>
#include <random>

#include "packet/ipv4.h"

namespace weft::vswitch {
namespace {

constexpr uint32_t kOurs = 0x0a0a0a0a, kTheirs = 0x11223344;

BfdOptions options(int64_t min_rx = 300, int64_t min_tx = 500) {
    BfdOptions out;
    out.min_rx_ms = min_rx;
    out.min_tx_ms = min_tx;
    return out;
}

BfdMessage from_peer(BfdState state, uint32_t your = kOurs) {
    BfdMessage message;
    message.state = state;
    message.my_discriminator = kTheirs;
    message.your_discriminator = your;
    message.min_tx_us = 400000;
    message.min_rx_us = 200000;
    return message;
}

struct Session {
    int64_t now = 1000;
    uint32_t random = 0;  // what the generator gives
    Bfd bfd;

    explicit Session(const BfdOptions& o = options())
        : bfd(
              kOurs, o, [this] { return random; }, 1000) {}
    void take(const BfdMessage& message, uint8_t ttl = 255) { bfd.receive(message.encode(), ttl, now); }
    void bring_up() {
        while (bfd.poll(now)) {
        }
        take(from_peer(BfdState::kDown, 0));
        take(from_peer(BfdState::kInit));
    }
    // Times, relative to now, at which messages go out within `ms`.
    std::vector<int64_t> sent_within(int64_t ms, std::vector<BfdMessage>* messages = nullptr) {
        std::vector<int64_t> out;
        int64_t start = now;
        for (; now <= start + ms; ++now) {
            while (auto message = bfd.poll(now)) {
                out.push_back(now - start);
                if (messages) messages->push_back(*message);
            }
        }
        return out;
    }
    std::string get(const char* key) { return bfd.status().at(key); }
};

TEST(Bfd, WireForm) {
    BfdMessage message = from_peer(BfdState::kUp);
    message.diag = BfdDiag::kConcatenatedPathDown;
    message.flags = BfdMessage::kPoll;
    Bytes bytes = message.encode();
    const Bytes expected = {0x26, 0xe0, 3,    24,   0x11, 0x22, 0x33, 0x44, 0x0a, 0x0a, 0x0a, 0x0a,
                            0,    6,    0x1a, 0x80, 0,    3,    0x0d, 0x40, 0,    0,    0,    0};
    EXPECT_EQ(bytes, expected);
    auto back = BfdMessage::decode(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->encode(), bytes);
    EXPECT_FALSE(BfdMessage::decode(ByteView(bytes).first(23)));
}

// RFC 5880, 6.2: the local state, what the other end says, the state that follows.
TEST(Bfd, StateMachine) {
    using S = BfdState;
    struct {
        S local, remote, next;
        BfdDiag diag;
    } const kTable[] = {
        {S::kDown, S::kAdminDown, S::kDown, BfdDiag::kNone},
        {S::kDown, S::kDown, S::kInit, BfdDiag::kNone},
        {S::kDown, S::kInit, S::kUp, BfdDiag::kNone},
        {S::kDown, S::kUp, S::kDown, BfdDiag::kNone},
        {S::kInit, S::kAdminDown, S::kDown, BfdDiag::kNeighborSignaledDown},
        {S::kInit, S::kDown, S::kInit, BfdDiag::kNone},
        {S::kInit, S::kInit, S::kUp, BfdDiag::kNone},
        {S::kInit, S::kUp, S::kUp, BfdDiag::kNone},
        {S::kUp, S::kAdminDown, S::kDown, BfdDiag::kNeighborSignaledDown},
        {S::kUp, S::kDown, S::kDown, BfdDiag::kNeighborSignaledDown},
        {S::kUp, S::kInit, S::kUp, BfdDiag::kNone},
        {S::kUp, S::kUp, S::kUp, BfdDiag::kNone},
    };
    for (const auto& row : kTable) {
        Session s;
        if (row.local >= S::kInit) s.take(from_peer(S::kDown, 0));
        if (row.local == S::kUp) s.take(from_peer(S::kInit));
        ASSERT_EQ(s.bfd.state(), row.local);
        s.take(from_peer(row.remote));
        std::string what = fmt::format("{} gets {}", bfd_state_name(row.local), bfd_state_name(row.remote));
        EXPECT_EQ(s.bfd.state(), row.next) << what;
        EXPECT_EQ(s.get("diagnostic"), bfd_diag_name(row.diag)) << what;
        EXPECT_EQ(s.bfd.forwarding(), row.next == S::kUp) << what;
    }
}

// RFC 5880, 6.8.6: what is discarded changes nothing.
TEST(Bfd, DiscardsWhatBreaksTheRules) {
    struct {
        const char* what;
        std::function<void(BfdMessage&)> spoil;
        uint8_t ttl = 255;
        size_t cut = 0;
    } const kTable[] = {
        {"the TTL is not 255", [](BfdMessage&) {}, 254},
        {"incorrect version", [](BfdMessage& m) { m.version = 0; }},
        {"incorrect version", [](BfdMessage& m) { m.version = 2; }},
        {"unexpected length", [](BfdMessage& m) { m.length = 23; }},
        {"unexpected length", [](BfdMessage& m) { m.length = 25; }},
        {"zero multiplier", [](BfdMessage& m) { m.multiplier = 0; }},
        {"the multipoint flag is set", [](BfdMessage& m) { m.flags = BfdMessage::kMultipoint; }},
        {"null my_disc", [](BfdMessage& m) { m.my_discriminator = 0; }},
        {"incorrect your_disc", [](BfdMessage& m) { m.your_discriminator = 1; }},
        {"null your_disc", [](BfdMessage& m) { m.your_discriminator = 0, m.state = BfdState::kUp; }},
        {"authenticated control message with authentication disabled",
         [](BfdMessage& m) { m.flags = BfdMessage::kAuthentication; }},
        {"the message is too short", [](BfdMessage&) {}, 255, 1},
    };
    for (const auto& row : kTable) {
        Session s;
        s.bring_up();
        auto status = s.bfd.status();
        std::string shown = s.bfd.show(s.now);
        BfdMessage message = from_peer(BfdState::kDown);
        message.diag = BfdDiag::kPathDown;
        row.spoil(message);
        Bytes bytes = message.encode();
        s.bfd.receive(ByteView(bytes).first(bytes.size() - row.cut), row.ttl, s.now);
        EXPECT_EQ(s.bfd.rejected(), 1u) << row.what;
        EXPECT_EQ(s.bfd.last_rejection(), row.what);
        EXPECT_EQ(s.bfd.status(), status) << row.what;
        EXPECT_EQ(s.bfd.show(s.now), shown) << row.what;
    }
}

TEST(Bfd, RandomBytesDoNothing) {
    const uint32_t seed = std::random_device()();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    Session s;
    s.bring_up();
    for (int i = 0; i < 20000; ++i) {
        Bytes bytes(random() % 40);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        // The one thing that an outsider must guess.
        if (bytes.size() >= 12 && load_be32(bytes.data() + 8) == kOurs) continue;
        if (bytes.size() >= 12 && i % 2) store_be32(bytes.data() + 8, 0);
        if (bytes.size() >= 2 && bytes[1] >> 6 <= 1) bytes[1] |= 0x80;  // down needs no discriminator: RFC
        s.bfd.receive(bytes, 255, s.now);
    }
    EXPECT_EQ(s.bfd.rejected(), 20000u);
    EXPECT_EQ(s.bfd.state(), BfdState::kUp);
}

TEST(Bfd, SlowUntilUpAndJittered) {
    // The first message at once, then one a second less the jitter.
    Session s;
    EXPECT_EQ(s.sent_within(3000), (std::vector<int64_t>{0, 1000, 2000, 3000}));
    s.random = 250;
    EXPECT_EQ(s.sent_within(3000), (std::vector<int64_t>{999, 1749, 2499}));
    s.random = 251;  // goes round: a quarter is the most
    Session up;
    up.bring_up();
    up.random = 125;
    auto times = up.sent_within(1600);
    ASSERT_GE(times.size(), 3u);
    EXPECT_LE(times[0], 500);
    EXPECT_EQ(times[2] - times[1], 375);  // 500 ms less a quarter
}

TEST(Bfd, JitterIsBetweenATenthAndAQuarterForMultiplierOne) {
    BfdOptions o = options(300, 2000);
    o.multiplier = 1;
    for (uint32_t random : {0u, 1u, 77u, 300u, 301u, 12345u}) {
        Session s(o);
        s.random = random;
        auto times = s.sent_within(2100);
        ASSERT_EQ(times.size(), 2u);
        EXPECT_GE(times[1], 1500) << random;
        EXPECT_LE(times[1], 1800) << random;
    }
}

TEST(Bfd, DownWhenDetectionTimeExpires) {
    Session s;
    s.bring_up();
    // max(our min_rx 300, their min_tx 400) × their multiplier 3
    s.sent_within(1198);
    EXPECT_EQ(s.bfd.state(), BfdState::kUp);
    s.sent_within(1);
    EXPECT_EQ(s.bfd.state(), BfdState::kDown);
    EXPECT_EQ(s.get("diagnostic"), "Control Detection Time Expired");
    EXPECT_EQ(s.get("forwarding"), "false");
    EXPECT_EQ(s.get("flap_count"), "2");
    std::vector<BfdMessage> messages;
    s.sent_within(1500, &messages);
    ASSERT_FALSE(messages.empty());
    EXPECT_EQ(messages[0].your_discriminator, 0u);
    EXPECT_EQ(messages[0].min_tx_us, 1000000u);
    EXPECT_EQ(messages[0].diag, BfdDiag::kControlDetectionExpired);
    EXPECT_NE(s.bfd.take_transitions().find(
                  "BFD state change: up->down \"No Diagnostic\"->\"Control Detection Time Expired\"."),
              std::string::npos);
}

TEST(Bfd, TheWakeupIsNeverLate) {
    Session s;
    s.bring_up();
    while (s.bfd.poll(s.now)) {
    }
    EXPECT_LE(s.bfd.next_wakeup_ms(), s.now + 500);
    for (int i = 0; i < 50 && s.bfd.state() == BfdState::kUp; ++i) {
        ASSERT_GE(s.bfd.next_wakeup_ms(), s.now);
        s.now = std::max(s.now + 1, s.bfd.next_wakeup_ms());
        while (s.bfd.poll(s.now)) {
        }
    }
    EXPECT_EQ(s.now, 1000 + 1200);  // at the detection time, to the millisecond
}

TEST(Bfd, AnswersAPollAtOnce) {
    Session s;
    s.bring_up();
    BfdMessage message = from_peer(BfdState::kUp);
    message.flags = BfdMessage::kPoll;
    s.take(message);
    EXPECT_LE(s.bfd.next_wakeup_ms(), s.now);
    auto answer = s.bfd.poll(s.now);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->flags, BfdMessage::kFinal);
    EXPECT_EQ(answer->state, BfdState::kUp);
    EXPECT_FALSE(s.bfd.poll(s.now));
}

// RFC 5880, 6.8.3: a poll sequence goes with new intervals; what makes detection sharper waits for its end.
TEST(Bfd, PollSequenceWhenIntervalsChange) {
    Session s;
    s.bring_up();
    s.bfd.configure(options(200, 100), s.now);
    auto poll = s.bfd.poll(s.now);
    ASSERT_TRUE(poll);
    EXPECT_EQ(poll->flags, BfdMessage::kPoll);
    EXPECT_EQ(poll->min_rx_us, 200000u);
    EXPECT_EQ(poll->min_tx_us, 100000u);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum RX Interval: 300ms"), std::string::npos);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum TX Interval: 100ms"), std::string::npos);
    BfdMessage final = from_peer(BfdState::kUp);
    final.flags = BfdMessage::kFinal;
    s.take(final);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum RX Interval: 200ms"), std::string::npos);
    EXPECT_NE(s.bfd.show(s.now).find("Local Flags: none"), std::string::npos);
    // Longer intervals: the receiving one at once, the sending one afterwards.
    s.bfd.configure(options(700, 900), s.now);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum RX Interval: 700ms"), std::string::npos);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum TX Interval: 100ms"), std::string::npos);
    s.take(final);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum TX Interval: 900ms"), std::string::npos);
}

TEST(Bfd, ConcatenatedPathDown) {
    Session s;
    s.bring_up();
    BfdOptions o = options();
    o.cpath_down = true;
    s.bfd.configure(o, s.now);
    auto told = s.bfd.poll(s.now);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->diag, BfdDiag::kConcatenatedPathDown);
    EXPECT_EQ(told->state, BfdState::kUp);
    EXPECT_TRUE(s.bfd.forwarding());  // our path behind, not this one
    BfdMessage theirs = from_peer(BfdState::kUp);
    theirs.diag = BfdDiag::kConcatenatedPathDown;
    s.take(theirs);
    EXPECT_FALSE(s.bfd.forwarding());
    theirs.diag = BfdDiag::kNone;
    s.take(theirs);
    EXPECT_TRUE(s.bfd.forwarding());
    o.cpath_down = false;
    s.bfd.configure(o, s.now);
    EXPECT_EQ(s.get("diagnostic"), "No Diagnostic");
    EXPECT_EQ(s.get("flap_count"), "3");
}

TEST(Bfd, DataStandsInForMessagesAWhile) {
    BfdOptions o = options();
    o.forwarding_if_rx = true;
    Session s(o);
    s.bring_up();
    uint64_t packets = 2;
    s.bfd.count_received(packets, s.now);
    int64_t start = s.now;
    while (s.now < start + 5000) {
        s.now += 500;
        s.bfd.count_received(++packets, s.now);
        while (s.bfd.poll(s.now)) {
        }
    }
    EXPECT_EQ(s.bfd.state(), BfdState::kDown);
    EXPECT_TRUE(s.bfd.forwarding());
    // 100 × min_rx without any message is too long.
    while (s.now < start + 30500) {
        s.now += 500;
        s.bfd.count_received(++packets, s.now);
        while (s.bfd.poll(s.now)) {
        }
    }
    EXPECT_FALSE(s.bfd.forwarding());
    // And without data it ends soon.
    Session quiet(o);
    quiet.bring_up();
    quiet.bfd.count_received(2, quiet.now);
    quiet.bfd.count_received(3, quiet.now + 100);
    quiet.sent_within(3000);
    EXPECT_FALSE(quiet.bfd.forwarding());
}

TEST(Bfd, DecaysWhenIdle) {
    BfdOptions o = options(300, 300);
    o.decay_min_rx_ms = 1500;
    Session s(o);
    s.bring_up();
    uint64_t packets = 2;
    auto tick = [&](int data, bool final) {
        s.now += 200;
        BfdMessage message = from_peer(BfdState::kUp);
        if (final) message.flags = BfdMessage::kFinal;
        s.take(message);
        packets += 1 + static_cast<uint64_t>(data);
        s.bfd.count_received(packets, s.now);
        std::vector<BfdMessage> out;
        while (auto m = s.bfd.poll(s.now)) out.push_back(*m);
        return out;
    };
    s.bfd.count_received(packets, s.now);
    uint32_t said = 0;
    for (int i = 0; i < 12; ++i) {
        for (const BfdMessage& m : tick(0, i % 3 == 2)) said = m.min_rx_us;
    }
    EXPECT_EQ(said, 1500000u);
    // Traffic brings the short interval back, once the other end has confirmed it.
    for (const BfdMessage& m : tick(40, false)) said = m.min_rx_us;
    EXPECT_EQ(said, 300000u);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum RX Interval: 1500ms"), std::string::npos);
    tick(40, true);
    EXPECT_NE(s.bfd.show(s.now).find("Local Minimum RX Interval: 300ms"), std::string::npos);
    for (int i = 0; i < 20; ++i) {
        for (const BfdMessage& m : tick(40, true)) EXPECT_EQ(m.min_rx_us, 300000u);
    }
}

TEST(Bfd, ForcedForwardingCountsNoFlaps) {
    Session s;
    s.bfd.override_forwarding(true, s.now);
    EXPECT_TRUE(s.bfd.forwarding());
    EXPECT_EQ(s.get("flap_count"), "0");
    s.bring_up();
    s.bfd.override_forwarding(false, s.now);
    EXPECT_FALSE(s.bfd.forwarding());
    s.bfd.override_forwarding(std::nullopt, s.now);
    EXPECT_TRUE(s.bfd.forwarding());
}

// Two sessions on a wire that delays, with a random jitter: up within three slow intervals, down in the time
// that multiplier and intervals say.
TEST(Bfd, TwoSessionsAgree) {
    const uint32_t seed = std::random_device()();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 50; ++round) {
        auto choose = [&](int64_t least, int64_t most) {
            return least + static_cast<int64_t>(random() % static_cast<uint32_t>(most - least));
        };
        BfdOptions a = options(choose(50, 800), choose(50, 800)),
                   b = options(choose(50, 800), choose(50, 800));
        a.multiplier = static_cast<uint8_t>(choose(1, 6));
        b.multiplier = static_cast<uint8_t>(choose(1, 6));
        auto rnd = [&random] { return static_cast<uint32_t>(random()); };
        Bfd left(1, a, rnd, 0), right(2, b, rnd, 0);
        std::deque<std::pair<int64_t, Bytes>> to_left, to_right;
        bool cut = false;
        int64_t last_heard = 0, delay = choose(0, 20);
        auto step = [&](int64_t now) {
            while (!to_left.empty() && to_left.front().first <= now) {
                left.receive(to_left.front().second, 255, now);
                last_heard = now;
                to_left.pop_front();
            }
            while (!to_right.empty() && to_right.front().first <= now) {
                right.receive(to_right.front().second, 255, now);
                to_right.pop_front();
            }
            while (auto m = left.poll(now)) to_right.emplace_back(now + delay, m->encode());
            while (auto m = right.poll(now)) {
                if (!cut) to_left.emplace_back(now + delay, m->encode());
            }
        };
        int64_t now = 0;
        for (; now < 4000; ++now) step(now);
        ASSERT_EQ(left.state(), BfdState::kUp) << round;
        ASSERT_EQ(right.state(), BfdState::kUp) << round;
        for (; now < 12000; ++now) step(now);
        EXPECT_EQ(left.flaps(), 1u) << round;
        cut = true;
        to_left.clear();
        int64_t detect = last_heard + b.multiplier * std::max(a.min_rx_ms, b.min_tx_ms);
        while (left.state() == BfdState::kUp && now < 30000) step(now++);
        EXPECT_EQ(now - 1, detect) << round;
    }
}

TEST(BfdOptions, Text) {
    std::vector<std::string> warnings;
    ovsdb::StringMap map;
    EXPECT_FALSE(parse_bfd_options("p1", map, warnings));
    map.set("enable", "true");
    auto plain = parse_bfd_options("p1", map, warnings);
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, BfdOptions());
    EXPECT_TRUE(warnings.empty());
    map.set("min_rx", "0");
    map.set("min_tx", "abc");
    map.set("mult", "256");
    map.set("bfd_src_ip", "foo");
    map.set("bfd_local_dst_mac", "1:2");
    map.set("decay_min_rx", "999");
    auto bad = parse_bfd_options("p1", map, warnings);
    ASSERT_TRUE(bad);
    EXPECT_EQ(*bad, BfdOptions());
    EXPECT_EQ(warnings.size(), 6u);
    EXPECT_EQ(warnings[0], "interface p1: bfd:min_rx=0 is not an integer from 1 to 4000000; 1000 is used");
}

TEST(BfdFilter, TakesOnlyWhatIsMeantForTheSession) {
    packet::Flow flow = packet::zero_flow();
    flow.dl_type = 0x0800;
    flow.nw_proto = 17;
    flow.nw_dst = 0x0a000001;
    flow.tp_dst = kBfdPort;
    flow.dl_dst = {0, 0, 0, 0, 0, 0x77};
    BfdOptions any, exact;
    exact.src_ip = 0x0a000001;
    exact.remote_dst_mac = flow.dl_dst;
    exact.check_tunnel_key = true;
    auto matches = [](const BfdOptions& o, const packet::Flow& f) {
        packet::Flow mask = packet::zero_flow();
        return BfdFilter(o).matches(f, mask);
    };
    EXPECT_TRUE(matches(any, flow));
    EXPECT_TRUE(matches(exact, flow));
    packet::Flow other = flow;
    other.nw_dst = 0x0a000002;
    EXPECT_TRUE(matches(any, other));
    EXPECT_FALSE(matches(exact, other));
    other = flow;
    other.dl_dst[5] = 0x78;
    EXPECT_TRUE(matches(any, other));
    EXPECT_FALSE(matches(exact, other));
    other = flow;
    other.tunnel.id = 5;
    EXPECT_TRUE(matches(any, other));
    EXPECT_FALSE(matches(exact, other));
    for (auto change : {+[](packet::Flow& f) { f.dl_type = 0x86dd; },
                        +[](packet::Flow& f) { f.nw_proto = 6; }, +[](packet::Flow& f) { f.tp_dst = 3785; },
                        +[](packet::Flow& f) { f.nw_frag = packet::kFragAny | packet::kFragLater; }}) {
        other = flow;
        change(other);
        EXPECT_FALSE(matches(any, other));
    }
    // What decided is in the mask.
    packet::Flow mask = packet::zero_flow();
    BfdFilter(any).matches(flow, mask);
    EXPECT_EQ(mask.tp_dst, 0xffff);
    EXPECT_EQ(mask.nw_dst, 0u);
    BfdFilter(exact).matches(flow, mask);
    EXPECT_EQ(mask.nw_dst, ~0u);
}

}  // namespace
}  // namespace weft::vswitch
