// Tables of segments, and what an observer makes of them.

#include "datapath/conntrack/tcp_tracking.h"

#include <gtest/gtest.h>

#include "packet/tcp.h"

namespace weft::datapath::conntrack {

namespace {

namespace tcp = packet::tcp;

// "FSRPAU": of a segment.
uint16_t flags(const char* letters) {
    uint16_t out = 0;
    for (; *letters; letters++) {
        switch (*letters) {
            case 'F':
                out |= tcp::kFin;
                break;
            case 'S':
                out |= tcp::kSyn;
                break;
            case 'R':
                out |= tcp::kRst;
                break;
            case 'P':
                out |= tcp::kPsh;
                break;
            case 'A':
                out |= tcp::kAck;
                break;
            default:
                out |= tcp::kUrg;
                break;
        }
    }
    return out;
}

struct Step {
    bool reply;
    const char* letters;
    uint32_t sequence, acknowledgment, length;
    TcpVerdict verdict;
    TcpState state;
    Timeout timeout;
    uint16_t window = 65535;
};

constexpr auto kInvalid = TcpVerdict::kInvalid;
constexpr auto kNew = TcpVerdict::kNew;
constexpr auto kEst = TcpVerdict::kEstablished;
constexpr auto kRestart = TcpVerdict::kRestart;

TcpSegment segment(const Step& step) {
    TcpSegment out;
    out.flags = flags(step.letters);
    out.sequence = step.sequence;
    out.acknowledgment = step.acknowledgment;
    out.length = step.length;
    out.window = step.window;
    return out;
}

// The first step begins the connection.
void walk(const std::vector<Step>& steps, bool check = true) {
    TcpTracking tracking;
    for (size_t i = 0; i < steps.size(); i++) {
        const Step& step = steps[i];
        SCOPED_TRACE("step " + std::to_string(i));
        if (i == 0) {
            ASSERT_TRUE(TcpTracking::may_begin(segment(step)));
            tracking.begin(segment(step));
        } else {
            EXPECT_EQ(tracking.update(step.reply, segment(step), check), step.verdict);
        }
        EXPECT_EQ(tcp_state_name(tracking.state()), tcp_state_name(step.state));
        EXPECT_EQ(tracking.timeout(), step.timeout);
    }
}

const std::vector<Step> kHandshake = {
    {false, "S", 100, 0, 0, kNew, TcpState::kSynSent, Timeout::kTcpSynSent},
    {true, "SA", 500, 101, 0, kEst, TcpState::kEstablished, Timeout::kTcpSynReceived},
    {false, "A", 101, 501, 0, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
};

std::vector<Step> after_handshake(std::vector<Step> more) {
    std::vector<Step> out = kHandshake;
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

}  // namespace

TEST(TcpTracking, OpensAndCloses) {
    walk(after_handshake({
        {false, "PA", 101, 501, 10, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
        {true, "A", 501, 111, 0, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
        {false, "FA", 111, 501, 0, kEst, TcpState::kClosing, Timeout::kTcpFinWait},
        {true, "A", 501, 112, 0, kEst, TcpState::kTimeWait, Timeout::kTcpFinWait},
        {true, "FA", 501, 112, 0, kEst, TcpState::kTimeWait, Timeout::kTcpTimeWait},
        {false, "A", 112, 502, 0, kEst, TcpState::kTimeWait, Timeout::kTcpClose},
        {false, "S", 900000, 0, 0, kRestart, TcpState::kTimeWait, Timeout::kTcpClose},
    }));
}

TEST(TcpTracking, ARefusedConnectionIsOver) {
    walk({kHandshake[0], {true, "RA", 0, 101, 0, kEst, TcpState::kTimeWait, Timeout::kTcpClose}});
}

TEST(TcpTracking, ARepeatedSynIsStillNew) {
    walk({kHandshake[0],
          {false, "S", 100, 0, 0, kNew, TcpState::kSynSent, Timeout::kTcpSynSent},
          {false, "S", 777777, 0, 0, kNew, TcpState::kSynSent, Timeout::kTcpSynSent},
          {true, "SA", 500, 777778, 0, kEst, TcpState::kEstablished, Timeout::kTcpSynReceived}});
}

TEST(TcpTracking, SimultaneousOpen) {
    walk({kHandshake[0],
          {true, "S", 500, 0, 0, kNew, TcpState::kSynSent, Timeout::kTcpSynReceived},
          {false, "SA", 100, 501, 0, kEst, TcpState::kEstablished, Timeout::kTcpSynReceived},
          {true, "SA", 500, 101, 0, kEst, TcpState::kEstablished, Timeout::kTcpEstablished}});
}

// Of a connection that is picked up in its middle: who speaks first may acknowledge anything, unless the
// other end has acknowledged more than that.
TEST(TcpTracking, WhatAnEndSaysFirst) {
    const auto sent = TcpState::kSynSent, est = TcpState::kEstablished;
    const Step begin = {false, "PA", 100, 5000, 10, kNew, sent, Timeout::kTcpSynSent};
    walk({begin, {true, "A", 5000, 200110, 0, kEst, est, Timeout::kTcpSynReceived}});
    walk({begin,
          {false, "A", 110, 5000, 0, kEst, sent, Timeout::kTcpSynSent},
          {true, "A", 5000, 200110, 0, kEst, est, Timeout::kTcpSynReceived}});
    walk({begin,
          {false, "A", 110, 5001, 0, kEst, sent, Timeout::kTcpSynSent},
          {true, "A", 5000, 200110, 0, TcpVerdict::kInvalid, sent, Timeout::kTcpSynReceived},
          {true, "A", 5000, 110, 0, kEst, est, Timeout::kTcpSynReceived}});
}

TEST(TcpTracking, DataBeyondTheWindowIsInvalid) {
    const auto est = TcpState::kEstablished;
    const auto alive = Timeout::kTcpEstablished;
    walk(after_handshake({
        {true, "A", 501, 101, 0, kEst, est, alive, 1000},
        {false, "PA", 101 + 65535, 501, 1, kInvalid, est, alive},
        {false, "PA", 101, 501, 1000, kEst, est, alive},
        // Further back than a window.
        {false, "PA", 1101u - 65536 - 1, 501, 1, kInvalid, est, alive},
        // Acknowledges what was never sent.
        {false, "A", 1101, 501 + 70000, 0, kInvalid, est, alive},
        {false, "A", 1101, 501, 0, kEst, est, alive},
    }));
}

TEST(TcpTracking, AResetMustBeAtTheEdge) {
    const auto est = TcpState::kEstablished;
    walk(after_handshake({
        {true, "R", 600, 0, 0, kInvalid, est, Timeout::kTcpEstablished},
        {true, "R", 501, 0, 0, kEst, TcpState::kTimeWait, Timeout::kTcpClose},
    }));
}

TEST(TcpTracking, WithoutSequenceChecksNumbersDoNotMatter) {
    const auto est = TcpState::kEstablished;
    walk(after_handshake({
             {false, "PA", 7000000, 9000000, 1, kEst, est, Timeout::kTcpEstablished},
             {true, "PA", 1, 2, 1, kEst, est, Timeout::kTcpEstablished},
             {true, "FS", 1, 2, 1, kInvalid, est, Timeout::kTcpEstablished},
         }),
         false);
}

TEST(TcpTracking, NumbersWrap) {
    walk({{false, "S", 0xffffffff, 0, 0, kNew, TcpState::kSynSent, Timeout::kTcpSynSent},
          {true, "SA", 0xfffffff0, 0, 0, kEst, TcpState::kEstablished, Timeout::kTcpSynReceived},
          {false, "A", 0, 0xfffffff1, 0, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
          {true, "PA", 0xfffffff1, 0, 100, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
          {false, "A", 0, 85, 0, kEst, TcpState::kEstablished, Timeout::kTcpEstablished},
          {true, "PA", 85, 0, 100, kEst, TcpState::kEstablished, Timeout::kTcpEstablished}});
}

TEST(TcpTracking, ScalesWindows) {
    for (bool both : {false, true}) {
        TcpTracking tracking;
        TcpSegment syn{100, 0, tcp::kSyn, 1000, 0, 7};
        tracking.begin(syn);
        TcpSegment answer{500, 101, tcp::kSyn | tcp::kAck, 1000, 0, TcpSegment::kNone};
        if (both) answer.window_scale = 7;
        EXPECT_EQ(tracking.update(true, answer, true), kEst);
        EXPECT_EQ(tracking.update(false, {101, 501, tcp::kAck, 1000, 0}, true), kEst);
        // 1000 << 7 bytes may be sent, or 1000.
        EXPECT_EQ(tracking.update(true, {501, 101, tcp::kAck, 1000, 60000}, true), both ? kEst : kInvalid);
        EXPECT_EQ(tracking.window_scale(false).has_value(), both);
    }
}

TEST(TcpTracking, FlagsThatMakeNoSense) {
    const char* bad[] = {"", "F", "FS", "FR", "SR", "P", "U", "FU", "SP", "SRA", "FSA", "FSRPAU"};
    for (const char* letters : bad) {
        Step step{false, letters, 101, 501, 0, kInvalid, TcpState::kEstablished, Timeout::kTcpEstablished};
        SCOPED_TRACE(letters);
        EXPECT_FALSE(TcpTracking::may_begin(segment(step)));
        walk(after_handshake({step}));
    }
    EXPECT_FALSE(TcpTracking::may_begin(segment(kHandshake[1])));
    Step middle{false, "PA", 101, 501, 5, kNew, TcpState::kSynSent, Timeout::kTcpSynSent};
    EXPECT_TRUE(TcpTracking::may_begin(segment(middle)));
    walk({middle,
          {true, "A", 501, 106, 0, kEst, TcpState::kEstablished, Timeout::kTcpSynReceived},
          {false, "PA", 106 + 1000000, 501, 5, kEst, TcpState::kEstablished, Timeout::kTcpEstablished}});
}

}  // namespace weft::datapath::conntrack
