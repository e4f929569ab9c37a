#include "packet/bfd_session.h"

#include <gtest/gtest.h>

namespace weft::packet {
namespace {

using State = BfdState;

constexpr uint32_t kOurs = 7, kTheirs = 9;

BfdSession session(uint32_t discriminator = kOurs, BfdSession::Settings settings = {}, uint32_t seed = 0) {
    auto random = [seed]() mutable { return seed = seed * 1664525 + 1013904223; };
    return BfdSession(discriminator, settings, random, 0);
}

BfdMessage message(State state, uint32_t yours = kOurs, uint8_t flags = 0) {
    BfdMessage out;
    out.state = state;
    out.flags = flags;
    out.my_discriminator = kTheirs;
    out.your_discriminator = yours;
    out.min_tx_us = 100'000;
    out.min_rx_us = 50'000;
    return out;
}

const char* give(BfdSession& to, const BfdMessage& message, int64_t now, uint8_t ttl = 255) {
    return to.receive(message.encode(), ttl, now);
}

size_t drain(BfdSession& from, int64_t now) {
    size_t sent = 0;
    while (from.poll(now)) ++sent;
    return sent;
}

void bring_up(BfdSession& to, int64_t now = 0) {
    give(to, message(State::kDown, 0), now);
    give(to, message(State::kInit, kOurs, BfdMessage::kFinal), now);
    drain(to, now);
    give(to, message(State::kUp, kOurs, BfdMessage::kFinal), now);
    ASSERT_TRUE(to.up());
}

TEST(BfdSession, TwoEndsComeUpAndNoticeSilence) {
    BfdSession a = session(7, {.min_tx_ms = 100, .min_rx_ms = 100}, 1),
               b = session(9, {.min_tx_ms = 200, .min_rx_ms = 50}, 2);
    auto deliver = [](BfdSession& from, BfdSession& to, int64_t now) {
        while (auto out = from.poll(now)) give(to, *out, now);
    };
    int64_t up_at = -1;
    for (int64_t now = 0; now < 10'000; ++now) {
        bool b_lives = now < 6000;
        if (b_lives) {
            deliver(a, b, now);
            deliver(b, a, now);
        } else {
            drain(a, now);
        }
        if (up_at < 0 && a.up() && b.up()) up_at = now;
        if (b_lives && up_at >= 0) {
            EXPECT_TRUE(a.up()) << now;
            EXPECT_TRUE(b.up()) << now;
        }
        // Three times the slower of what b sends and a receives.
        if (now == 6900) {
            EXPECT_EQ(a.state(), State::kDown);
        }
    }
    EXPECT_GE(up_at, 0);
    EXPECT_LT(up_at, 2500);
}

TEST(BfdSession, States) {
    struct {
        State ours, theirs, next;
    } table[] = {
        {State::kDown, State::kDown, State::kInit},
        {State::kDown, State::kInit, State::kUp},
        {State::kDown, State::kUp, State::kDown},
        {State::kInit, State::kDown, State::kInit},
        {State::kInit, State::kInit, State::kUp},
        {State::kInit, State::kUp, State::kUp},
        {State::kUp, State::kUp, State::kUp},
        {State::kUp, State::kInit, State::kUp},
        {State::kUp, State::kDown, State::kDown},
        {State::kUp, State::kAdminDown, State::kDown},
        {State::kInit, State::kAdminDown, State::kDown},
        {State::kDown, State::kAdminDown, State::kDown},
    };
    for (const auto& row : table) {
        BfdSession s = session();
        if (row.ours != State::kDown) give(s, message(State::kDown, 0), 0);
        if (row.ours == State::kUp) give(s, message(State::kInit), 0);
        ASSERT_EQ(s.state(), row.ours);
        give(s, message(row.theirs), 1);
        EXPECT_EQ(s.state(), row.next) << bfd_state_name(row.ours) << " gets " << bfd_state_name(row.theirs);
    }
}

TEST(BfdSession, IgnoresWhatIsNotForIt) {
    Bytes good = message(State::kDown, 0).encode();
    struct {
        const char* name;
        size_t at;
        uint8_t value;
    } changes[] = {
        {"version", 0, 0x40},       {"length", 3, 23},          {"longer than it is", 3, 25},
        {"multiplier", 2, 0},       {"multipoint", 1, 0x41},    {"authentication", 1, 0x44},
        {"no discriminator", 7, 0}, {"another session", 11, 8}, {"up without knowing us", 1, 0xc0}};
    BfdSession s = session();
    for (const auto& change : changes) {
        Bytes bad = good;
        bad[change.at] = change.value;
        EXPECT_TRUE(s.receive(bad, 255, 0)) << change.name;
        EXPECT_EQ(s.state(), State::kDown) << change.name;
    }
    for (size_t size = 0; size < good.size(); ++size)
        EXPECT_TRUE(s.receive(ByteView(good).first(size), 255, 0)) << size;
    EXPECT_TRUE(s.receive(good, 254, 0)) << "through a router";
    EXPECT_EQ(s.state(), State::kDown);
    EXPECT_FALSE(s.receive(good, 255, 0));
    EXPECT_EQ(s.state(), State::kInit);
}

// Section 6.8.7: what changed is told between the times that messages are due at.
TEST(BfdSession, ANewStateIsToldAtOnce) {
    BfdSession s = session();
    EXPECT_EQ(drain(s, 0), 1u);
    give(s, message(State::kDown, 0), 10);
    EXPECT_LE(s.next_wakeup_ms(), 10);
    auto told = s.poll(10);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->state, State::kInit);
    EXPECT_FALSE(s.poll(11)) << "once";
    give(s, message(State::kInit), 20);
    told = s.poll(20);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->state, State::kUp);
}

// Section 6.8.3: the interval is another once the session is up, and a poll sequence agrees on it.
TEST(BfdSession, PollsWhenUpIfAskedTo) {
    for (bool poll : {false, true}) {
        BfdSession s = session(kOurs, {.min_tx_ms = 100, .min_rx_ms = 100, .poll_when_up = poll});
        give(s, message(State::kDown, 0), 0);
        give(s, message(State::kInit), 0);
        auto told = s.poll(0);
        ASSERT_TRUE(told);
        EXPECT_EQ(told->flags, poll ? BfdMessage::kPoll : 0);
        EXPECT_EQ(told->min_tx_us, 100'000u);
        give(s, message(State::kUp, kOurs, BfdMessage::kFinal), 1);
        EXPECT_FALSE(s.polling());
    }
}

TEST(BfdSession, AnswersPollsAndStaysQuietWhenAsked) {
    BfdSession s = session();
    drain(s, 0);
    give(s, message(State::kDown, 0, BfdMessage::kPoll), 0);
    auto answer = s.poll(0);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->flags, BfdMessage::kFinal);
    BfdMessage silent = message(State::kDown);
    silent.min_rx_us = 0;  // receives none
    give(s, silent, 1);
    for (int64_t now = 1; now < 250; ++now) EXPECT_EQ(drain(s, now), 0u);
    // Until it is given up itself.
    size_t sent = 0;
    for (int64_t now = 250; now < 6000; ++now) sent += drain(s, now);
    EXPECT_GT(sent, 0u);
}

TEST(BfdSession, DemandModeOfTheOtherEnd) {
    BfdSession s = session(kOurs, {.min_tx_ms = 100, .min_rx_ms = 100});
    bring_up(s);
    give(s, message(State::kUp, kOurs, BfdMessage::kDemand), 1);
    size_t sent = 0;
    for (int64_t now = 1; now < 250; ++now) sent += drain(s, now);
    EXPECT_EQ(sent, 0u);
    // But its polls are answered, and our own are sent.
    give(s, message(State::kUp, kOurs, BfdMessage::kDemand | BfdMessage::kPoll), 250);
    auto answer = s.poll(250);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->flags, BfdMessage::kFinal);
    s.configure({.min_tx_ms = 200, .min_rx_ms = 100}, 251);
    auto poll = s.poll(251);
    ASSERT_TRUE(poll);
    EXPECT_EQ(poll->flags, BfdMessage::kPoll);
}

TEST(BfdSession, DownOnPurpose) {
    BfdSession s = session();
    bring_up(s);
    s.set_admin_down(true, 5);
    auto told = s.poll(5);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->state, State::kAdminDown);
    EXPECT_EQ(told->diag, BfdDiag::kAdministrativelyDown);
    EXPECT_EQ(s.detect_ms(), 0);
    for (State theirs : {State::kDown, State::kInit, State::kUp}) {
        give(s, message(theirs), 6);
        EXPECT_EQ(s.state(), State::kAdminDown);
    }
    s.set_admin_down(false, 7);
    EXPECT_EQ(s.state(), State::kDown);
    EXPECT_EQ(s.diag(), BfdDiag::kNone);
    bring_up(s, 8);
}

// No message that the other end can send makes us send more than it does, nor oftener than once a
// millisecond.
TEST(BfdSession, TheOtherEndDoesNotMakeUsFlood) {
    for (uint32_t seed = 1; seed < 20; ++seed) {
        BfdSession s = session(kOurs, {.min_tx_ms = 1, .min_rx_ms = 0}, seed);
        uint32_t random = seed;
        auto next = [&] { return random = random * 1664525 + 1013904223, random >> 8; };
        size_t sent = 0, received = 0;
        constexpr int64_t kEnd = 3000;
        for (int64_t now = 0; now < kEnd; ++now) {
            for (uint32_t n = next() % 3; n > 0; --n) {
                BfdMessage out = message(static_cast<State>(next() & 3), next() % 2 ? kOurs : 0,
                                         static_cast<uint8_t>(next() & 0x32));
                out.min_rx_us = next() % 3 ? next() % 3000 : 0xffffffff;
                out.min_tx_us = next() % 3 ? next() % 3000 : 0xffffffff;
                give(s, out, now);
                ++received;
                sent += drain(s, now);
            }
            sent += drain(s, now);
            ASSERT_GE(s.next_wakeup_ms(), now) << "it would be asked again and again";
        }
        EXPECT_LE(sent, received + kEnd + 1) << "seed " << seed;
    }
}

}  // namespace
}  // namespace weft::packet
