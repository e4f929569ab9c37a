#include "switch/protocols/cfm.h"

#include <gtest/gtest.h>

#include <deque>

namespace weft::vswitch {
namespace {

using packet::Ccm;

CfmOptions options(uint64_t mpid = 1, int64_t interval = 1000) {
    CfmOptions out;
    out.mpid = mpid;
    out.interval_ms = interval;
    return out;
}
CfmOptions extended(uint64_t mpid, int64_t interval = 500) {
    CfmOptions out = options(mpid, interval);
    out.extended = true;
    return out;
}

struct Point {
    int64_t now = 1000;
    std::vector<Cfm::Send> sent;
    Cfm cfm;

    explicit Point(const CfmOptions& o = options())
        : cfm(
              o, [] { return 0x123456u; }, 1000) {}
    void run() {
        while (auto message = cfm.poll(now)) sent.push_back(*message);
    }
    void pass(int64_t ms) {
        for (int64_t end = now + ms; now < end;) {
            now = std::min(end, std::max(now + 1, cfm.next_wakeup_ms()));
            run();
        }
    }
    Ccm message(uint64_t mpid = 2, bool rdi = false) {
        Ccm ccm;
        const CfmOptions& o = cfm.options();
        ccm.flags = packet::ccm_interval_code(o.interval_ms);
        if (packet::ccm_interval_ms(ccm.flags) != o.interval_ms) ccm.flags = 0;
        if (rdi) ccm.flags |= Ccm::kRdi;
        ccm.maid = packet::ovs_maid();
        ccm.sequence = ++sequence;
        if (o.extended)
            ccm.mpid64 = mpid, ccm.interval_ms = static_cast<uint16_t>(o.interval_ms);
        else
            ccm.mpid = static_cast<uint16_t>(mpid);
        return ccm;
    }
    void take(const Ccm& ccm) { cfm.receive(ccm.encode(), now); }
    uint32_t sequence = 0;
};

// Messages of each that come out arrive at the other, unless the way is cut.
struct Link {
    Point a, b;
    bool a_to_b = true, b_to_a = true;
    explicit Link(CfmOptions first, CfmOptions second) : a(first), b(second) {}
    void pass(int64_t ms) {
        for (int64_t end = a.now + ms; a.now < end;) {
            ++a.now, ++b.now;
            a.run(), b.run();
            for (auto& one : std::exchange(a.sent, {}))
                if (a_to_b) b.take(one.message);
            for (auto& one : std::exchange(b.sent, {}))
                if (b_to_a) a.take(one.message);
        }
    }
};

TEST(Cfm, TwoPointsHearEachOther) {
    for (bool wide : {false, true}) {
        Link link(wide ? extended(0x1122334455) : options(1), wide ? extended(9) : options(2));
        link.pass(4000);
        EXPECT_TRUE(link.a.cfm.forwarding());
        EXPECT_EQ(link.b.cfm.remote_mpids(), std::vector<uint64_t>{link.a.cfm.options().mpid});
        EXPECT_EQ(link.a.cfm.flaps(), 0u);
        // One way is cut: who hears nothing says so, and the other one hears that.
        link.a_to_b = false;
        link.pass(10000);
        EXPECT_EQ(link.b.cfm.faults(), Cfm::kRecv);
        EXPECT_EQ(link.a.cfm.faults(), Cfm::kRdi);
        EXPECT_FALSE(link.a.cfm.forwarding());
        EXPECT_TRUE(link.b.cfm.remote_mpids().empty());
        link.a_to_b = true;
        link.pass(10000);
        EXPECT_EQ(link.a.cfm.faults() | link.b.cfm.faults(), 0);
        EXPECT_EQ(link.a.cfm.flaps(), 2u);
        link.pass(60000);
        EXPECT_EQ(link.a.cfm.health(), 100);
    }
}

TEST(Cfm, SendsEveryIntervalAndLooksEvery3AndAHalf) {
    Point p;
    p.run();
    ASSERT_EQ(p.sent.size(), 1u);
    p.pass(3499);
    EXPECT_EQ(p.sent.size(), 4u);
    EXPECT_EQ(p.cfm.faults(), 0);
    p.pass(1);
    EXPECT_EQ(p.cfm.faults(), Cfm::kRecv);
    EXPECT_FALSE(p.sent.back().message.rdi());
    p.pass(500);
    EXPECT_TRUE(p.sent.back().message.rdi());
    EXPECT_EQ(p.sent.back().message.sequence, 5u);
    EXPECT_EQ(p.sent.back().message.interval(), 4);
    EXPECT_EQ(p.sent.back().message.mpid, 1);
    EXPECT_FALSE(p.sent.back().tag);
}

TEST(Cfm, FindsEachFault) {
    struct {
        const char* name;
        std::function<void(Point&)> happens;
        uint8_t faults;
    } const kTable[] = {
        {"nothing wrong", [](Point& p) { p.take(p.message()); }, 0},
        {"silence", [](Point&) {}, Cfm::kRecv},
        {"rdi", [](Point& p) { p.take(p.message(2, true)), p.take(p.message()); }, Cfm::kRdi},
        {"our own number", [](Point& p) { p.take(p.message()), p.take(p.message(1)); }, Cfm::kLoopback},
        {"a foreign association",
         [](Point& p) {
             Ccm ccm = p.message(3);
             ccm.maid[47] = 1;
             p.take(p.message()), p.take(ccm);
         },
         Cfm::kMaid},
        {"another interval",
         [](Point& p) {
             Ccm ccm = p.message();
             ccm.flags = 1;
             p.take(ccm);
         },
         0},
        {"too many",
         [](Point& p) {
             for (uint64_t mpid = 2; mpid < 2 + Cfm::kMostRemotes + 1; ++mpid) p.take(p.message(mpid));
         },
         Cfm::kOverflow},
    };
    for (const auto& row : kTable) {
        Point p;
        row.happens(p);
        EXPECT_EQ(p.cfm.faults(), 0) << row.name;
        p.pass(3500);
        EXPECT_EQ(p.cfm.faults(), row.faults) << row.name;
        EXPECT_LE(p.cfm.remote_mpids().size(), Cfm::kMostRemotes);
        p.take(p.message());
        p.pass(3500);
        EXPECT_EQ(p.cfm.faults(), 0) << row.name << ", after it was mended";
    }
}

TEST(Cfm, WhatIsNoMessageDoesNothing) {
    Point p;
    std::string shown = p.cfm.show(p.now);
    Bytes good = p.message().encode();
    for (size_t size = 0; size < Ccm::kLeastSize; ++size) p.cfm.receive(ByteView(good).first(size), p.now);
    good[1] = 2;
    p.cfm.receive(good, p.now);
    EXPECT_EQ(p.cfm.show(p.now), shown);
    EXPECT_EQ(p.cfm.rejected(), Ccm::kLeastSize + 1);
}

TEST(Cfm, HealthCountsWhatCame) {
    struct {
        int every;  // seconds between messages
        bool rdi;
        int health;
    } const kTable[] = {{1, false, 100}, {2, false, 61}, {3, false, 42}, {1, true, 0}};
    for (const auto& row : kTable) {
        Point p;
        for (int second = 0; second < 25; ++second) {
            EXPECT_EQ(p.cfm.health(), std::nullopt);
            if (second % row.every == 0) p.take(p.message(2, row.rdi));
            p.pass(second == 24 ? 500 : 1000);
        }
        EXPECT_EQ(p.cfm.health(), row.health) << row.every;
        p.take(p.message(2)), p.take(p.message(3));
        for (int second = 0; second < 21; ++second) p.take(p.message(2)), p.take(p.message(3)), p.pass(1000);
        EXPECT_EQ(p.cfm.health(), std::nullopt);
    }
}

TEST(Cfm, TheOperatorDecides) {
    Point p;
    p.pass(3500);
    p.cfm.override_fault(false);
    EXPECT_TRUE(p.cfm.forwarding());
    p.cfm.override_fault(true);
    EXPECT_EQ(p.cfm.faults(), Cfm::kOverride);
    EXPECT_NE(p.cfm.show(p.now).find("MPID 1: fault_override\n  fault: override\n"), std::string::npos);
    p.cfm.override_fault(std::nullopt);
    EXPECT_EQ(p.cfm.faults(), Cfm::kRecv);
    EXPECT_EQ(p.cfm.flaps(), 1u);
}

TEST(Cfm, ExtendedTellsMore) {
    CfmOptions o = extended(0xfedcba9876543210, 700);
    o.up = false;
    Point p(o);
    p.run();
    const Ccm& out = p.sent.at(0).message;
    EXPECT_EQ(out.mpid64, o.mpid);
    EXPECT_EQ(out.interval_ms, 700);
    EXPECT_EQ(out.interval(), 0);
    EXPECT_EQ(out.opdown, 1);
    EXPECT_NE(out.mpid, 0);
    Ccm in = p.message(5);
    in.opdown = 1;
    p.take(in);
    p.pass(2450);
    EXPECT_EQ(p.cfm.faults(), 0);
    EXPECT_FALSE(p.cfm.forwarding());  // the other end is operationally down
    p.take(p.message(5));
    p.pass(2450);
    EXPECT_TRUE(p.cfm.forwarding());
}

TEST(Cfm, TrafficStandsInForMessages) {
    CfmOptions o = extended(1, 100);
    o.demand = true;
    Point p(o);
    uint64_t packets = 1;
    auto pass = [&](int64_t ms, bool traffic) {
        for (int64_t end = p.now + ms; p.now < end;) {
            p.now += 50;
            if (traffic) ++packets;
            if (p.cfm.wants_count(p.now)) p.cfm.count_received(packets);
            p.run();
        }
    };
    p.take(p.message());
    pass(9000, true);
    EXPECT_EQ(p.cfm.faults(), 0);
    pass(3000, true);  // no message for 100 intervals
    EXPECT_EQ(p.cfm.faults(), Cfm::kRecv);
    p.take(p.message());
    pass(2000, true);
    EXPECT_EQ(p.cfm.faults(), 0);
    pass(4000, false);
    EXPECT_EQ(p.cfm.faults(), Cfm::kRecv);
}

TEST(Cfm, MessagesHaveTheTagThatIsAskedFor) {
    CfmOptions o = options();
    o.vlan = 5, o.pcp = 3;
    Point p(o);
    p.run();
    EXPECT_EQ(p.sent.at(0).tag, 0x6005);
    o.vlan = 0;
    p.cfm.configure(o, p.now);
    p.pass(1000);
    EXPECT_EQ(p.sent.at(1).tag, 0x6000);
    o.random_vlan = true, o.pcp = 0;
    p.cfm.configure(o, p.now);
    p.pass(1000);
    EXPECT_EQ(p.sent.at(2).tag, 0x0456);
}

TEST(Cfm, SettingsAreRead) {
    std::vector<std::string> warnings;
    auto parse = [&](const ovsdb::StringMap& map) {
        return parse_cfm_options("p1", 7, map, false, warnings);
    };
    EXPECT_EQ(parse({}).interval_ms, 1000);
    EXPECT_EQ(parse({{"cfm_interval", "999"}}).interval_ms, 100);
    EXPECT_EQ(parse({{"cfm_interval", "1"}}).interval_ms, 3);
    EXPECT_EQ(parse({{"cfm_interval", "999"}, {"cfm_extended", "true"}}).interval_ms, 999);
    EXPECT_EQ(parse({{"cfm_interval", "99999"}, {"cfm_extended", "true"}}).interval_ms, 65535);
    EXPECT_FALSE(parse({{"cfm_demand", "true"}}).demand);
    EXPECT_TRUE(parse({{"cfm_demand", "true"}, {"cfm_extended", "true"}}).demand);
    EXPECT_TRUE(parse({{"cfm_ccm_vlan", "random"}}).random_vlan);
    EXPECT_EQ(parse({{"cfm_ccm_vlan", "4095"}, {"cfm_ccm_pcp", "7"}}).vlan, 4095);
    EXPECT_TRUE(warnings.empty());
    EXPECT_EQ(parse({{"cfm_interval", "x"}, {"cfm_ccm_vlan", "4096"}, {"cfm_ccm_pcp", "8"}}).vlan, 0);
    EXPECT_EQ(warnings.size(), 3u);
}

TEST(Cfm, TheFilterLooksAtNoMoreThanItMust) {
    packet::Flow flow = packet::zero_flow(), mask = packet::zero_flow();
    CfmOptions o = options();
    o.check_tunnel_key = true;
    CfmFilter filter(o);
    flow.dl_type = 0x0800;
    EXPECT_FALSE(filter.matches(flow, mask));
    EXPECT_EQ(mask, packet::zero_flow());
    flow.dl_type = packet::kCfm;
    flow.dl_dst = packet::kCcmExtendedAddress;
    EXPECT_FALSE(filter.matches(flow, mask));
    EXPECT_EQ(mask.dl_dst[0], 0xff);
    flow.dl_dst = packet::kCcmAddress;
    EXPECT_TRUE(filter.matches(flow, mask));
    flow.tunnel.id = 5;
    EXPECT_FALSE(filter.matches(flow, mask));
}

}  // namespace
}  // namespace weft::vswitch
