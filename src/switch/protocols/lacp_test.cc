#include "switch/protocols/lacp.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using packet::EthAddr;
using packet::LacpInfo;
using packet::LacpPdu;
using Status = Lacp::Status;

constexpr EthAddr kUs = {0xaa, 0x55, 0xaa, 0x55, 0, 0}, kThem = {0, 0x11, 0x22, 0x33, 0x44, 0x55};
constexpr uint8_t kInSync = 0x3d;  // all but timeout, defaulted and expired

struct Port {
    int64_t now = 1000;
    Lacp lacp;

    explicit Port(bool active = true, bool fast = false, bool fallback = false, uint16_t priority = 65534)
        : lacp({active, fast, fallback, priority, kUs}, 1000) {
        for (Lacp::Id id : {1u, 2u}) {
            lacp.set_member(
                id, {"p" + std::to_string(id), static_cast<uint16_t>(id), 65535, static_cast<uint16_t>(id)},
                now);
        }
    }
    std::vector<Lacp::Send> sent() {
        std::vector<Lacp::Send> out;
        while (auto send = lacp.poll(now)) out.push_back(*send);
        return out;
    }
    // A unit whose sender has what we say right.
    void take(Lacp::Id id, LacpInfo from, std::optional<LacpInfo> told = std::nullopt) {
        LacpPdu pdu;
        pdu.actor = from;
        if (told)
            pdu.partner = *told;
        else
            pdu.partner =
                LacpInfo{lacp.options().sys_priority, kUs, 1, 65535, static_cast<uint16_t>(id), 0x3d};
        lacp.receive(id, pdu.encode(), now);
    }
    std::string text() {
        std::string out;
        for (Lacp::Id id : {1u, 2u}) {
            if (!lacp.status(id)) continue;
            out += std::string(out.empty() ? "" : ", ") + lacp_status_name(*lacp.status(id));
            if (lacp.may_enable(id)) out += " usable";
        }
        return out + (lacp.negotiated() ? "; negotiated" : "");
    }
    // Times, relative to now, of what `id` sends within `ms`.
    std::vector<int64_t> times(Lacp::Id id, int64_t ms) {
        std::vector<int64_t> out;
        int64_t start = now;
        for (; now <= start + ms; now += 100) {
            for (const Lacp::Send& send : sent()) {
                if (send.member == id) out.push_back(now - start);
            }
        }
        return out;
    }
};

LacpInfo them(uint16_t port_id, uint16_t key = 9, uint8_t state = kInSync, uint16_t port_priority = 200,
              uint16_t sys_priority = 100) {
    return {sys_priority, kThem, key, port_priority, port_id, state};
}

using Times = std::vector<int64_t>;

TEST(Lacp, SpeaksFirstAndGivesUp) {
    Port port;
    EXPECT_EQ(port.text(), "expired, expired; negotiated");
    auto first = port.sent();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0].pdu.actor, (LacpInfo{65534, kUs, 1, 65535, 1, 0xbd}));
    EXPECT_EQ(first[0].pdu.partner.state, LacpInfo::kTimeout);
    EXPECT_EQ(port.times(1, 2900), (Times{1000, 2000}));
    // Nobody answered for three seconds.
    EXPECT_EQ(port.times(1, 35000), (Times{0, 30000}));
    EXPECT_EQ(port.text(), "defaulted, defaulted");
    EXPECT_EQ(port.lacp.counters(1)->defaulted, 1u);
    EXPECT_EQ(port.lacp.counters(1)->tx, 5u);
}

TEST(Lacp, PassiveSpeaksWhenSpokenTo) {
    Port port(false);
    EXPECT_EQ(port.times(1, 60000), Times{});
    EXPECT_EQ(port.text(), "defaulted, defaulted");
    port.take(1, them(31));
    EXPECT_EQ(port.text(), "current usable, defaulted; negotiated");
    auto out = port.sent();
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].pdu.actor.state, 0x3c);
    EXPECT_EQ(out[0].pdu.partner, them(31));
    EXPECT_EQ(port.times(1, 60000), (Times{30000, 60000}));
}

TEST(Lacp, IsUsableWhenBothEndsAreInSync) {
    Port port;
    port.take(1, them(31, 9, 0x05));
    EXPECT_EQ(port.text(), "current, expired; negotiated");
    EXPECT_FALSE(port.lacp.may_enable(1));
    port.take(1, them(31));
    EXPECT_EQ(port.text(), "current usable, expired; negotiated");
    port.take(2, them(32));
    EXPECT_EQ(port.text(), "current usable, current usable; negotiated");
}

TEST(Lacp, ExpiresWithoutUnits) {
    for (bool fast : {false, true}) {
        Port port(true, fast);
        port.take(1, them(31));
        port.take(2, them(32));
        int64_t limit = fast ? 3000 : 90000;
        port.now += limit - 1;
        port.take(2, them(32));
        port.sent();
        EXPECT_EQ(port.text(), "current usable, current usable; negotiated");
        port.now += 1;
        port.sent();
        EXPECT_EQ(port.text(), "expired, current usable; negotiated");
        EXPECT_EQ(port.times(1, 2900), (Times{1000, 2000}));
        port.now += 100;
        port.sent();
        EXPECT_EQ(port.lacp.status(1), Status::kDefaulted);
        EXPECT_EQ(port.lacp.counters(1)->expired, 1u);
        EXPECT_EQ(port.lacp.counters(1)->defaulted, 1u);
    }
}

// Two members that see different partners: one leads, and the other may not be used.  What decides between
// members that were in use together is the priority that the system of higher priority gave them.
TEST(Lacp, LetsOnePartnerLead) {
    struct Case {
        uint16_t our_system, our_port1, our_port2;
        uint16_t their_system1, their_port1, their_system2, their_port2;
        Lacp::Id leads;
    };
    constexpr Case kCases[] = {
        {50, 20, 10, 100, 1, 100, 2, 2},         {50, 10, 20, 100, 2, 100, 1, 1},
        {200, 20, 10, 100, 1, 100, 2, 1},        {200, 10, 20, 100, 2, 100, 1, 2},
        {100, 65535, 65535, 50, 300, 150, 2, 1}, {100, 65535, 65535, 150, 300, 50, 2, 2},
        {200, 65535, 65535, 50, 300, 150, 2, 1}, {200, 65535, 65535, 150, 300, 50, 2, 2},
        {100, 20, 10, 100, 1, 100, 2, 1},        {40, 20, 10, 150, 1, 50, 2, 2},
    };
    for (const Case& c : kCases) {
        for (Lacp::Id changes : {1u, 2u}) {
            Port port(true, false, false, c.our_system);
            port.lacp.set_member(1, {"p1", 1, c.our_port1, 1}, port.now);
            port.lacp.set_member(2, {"p2", 2, c.our_port2, 1}, port.now);
            auto from = [&](Lacp::Id id, uint16_t key) {
                return id == 1 ? them(31, key, kInSync, c.their_port1, c.their_system1)
                               : them(32, key, kInSync, c.their_port2, c.their_system2);
            };
            port.take(1, from(1, 9));
            port.take(2, from(2, 9));
            EXPECT_EQ(port.text(), "current usable, current usable; negotiated");
            port.take(changes, from(changes, 10));
            EXPECT_EQ(port.text(), c.leads == 1 ? "current usable, current; negotiated"
                                                : "current, current usable; negotiated");
            // Who comes later does not take over.
            Port late(true, false, false, c.our_system);
            late.take(changes, from(changes, 9));
            late.take(3 - changes, from(3 - changes, 10));
            EXPECT_TRUE(late.lacp.may_enable(changes));
            EXPECT_FALSE(late.lacp.may_enable(3 - changes));
        }
    }
}

TEST(Lacp, IsNotUsedWithItself) {
    Port port;
    port.take(1, them(31));
    port.take(2, LacpInfo{65534, kUs, 1, 65535, 1, kInSync});
    EXPECT_EQ(port.text(), "current usable, current; negotiated");
}

TEST(Lacp, CorrectsWhatThePartnerHasWrong) {
    LacpInfo right{65534, kUs, 1, 65535, 1, 0x3d};
    struct Case {
        LacpInfo told;
        bool corrected;
    };
    auto with = [&](auto change) {
        LacpInfo info = right;
        change(info);
        return info;
    };
    const Case kCases[] = {
        {right, false},
        {with([](LacpInfo& i) { i.sys_priority = 1; }), true},
        {with([](LacpInfo& i) { i.sys_id[5] = 1; }), true},
        {with([](LacpInfo& i) { i.key = 2; }), true},
        {with([](LacpInfo& i) { i.port_priority = 1; }), true},
        {with([](LacpInfo& i) { i.port_id = 2; }), true},
        {with([](LacpInfo& i) { i.state ^= LacpInfo::kActivity; }), true},
        {with([](LacpInfo& i) { i.state ^= LacpInfo::kTimeout; }), true},
        {with([](LacpInfo& i) { i.state ^= LacpInfo::kAggregation; }), true},
        {with([](LacpInfo& i) { i.state ^= LacpInfo::kSynchronized; }), true},
        {with([](LacpInfo& i) { i.state ^= LacpInfo::kCollecting | LacpInfo::kDistributing; }), false},
        {with([](LacpInfo& i) { i.state |= LacpInfo::kDefaulted | LacpInfo::kExpired; }), false},
    };
    for (const Case& c : kCases) {
        Port port;
        port.take(1, them(31));
        port.sent();
        port.take(1, them(31), c.told);
        EXPECT_EQ(port.sent().size(), c.corrected ? 1u : 0u) << &c - kCases;
    }
}

TEST(Lacp, FollowsThePartnersPace) {
    Port port;
    port.take(1, them(31));
    port.sent();
    EXPECT_EQ(port.times(1, 31000), Times{30000});
    port.take(1, them(31, 9, kInSync | LacpInfo::kTimeout));
    EXPECT_EQ(port.times(1, 3000), (Times{1000, 2000, 3000}));
}

TEST(Lacp, FallsBackWithoutPartner) {
    Port port(true, false, true);
    EXPECT_EQ(port.text(), "expired, expired; negotiated");
    port.now += 3000;
    port.sent();
    EXPECT_EQ(port.text(), "defaulted usable, defaulted usable");
    port.take(1, them(31));
    EXPECT_EQ(port.text(), "current usable, defaulted; negotiated");
}

TEST(Lacp, CountsWhatItCannotRead) {
    Port port;
    port.take(1, them(31));
    Bytes unit = LacpPdu().encode();
    unit[2] = 9;
    port.lacp.receive(1, unit, port.now);
    port.lacp.receive(1, ByteView(unit).first(60), port.now);
    unit[0] = 2;
    port.lacp.receive(1, unit, port.now);
    EXPECT_EQ(port.lacp.counters(1)->rx, 4u);
    EXPECT_EQ(port.lacp.counters(1)->rx_bad, 2u);
    EXPECT_EQ(port.lacp.counters(1)->rx_marker, 1u);
    EXPECT_EQ(port.text(), "current usable, expired; negotiated");
}

TEST(Lacp, BeginsAnewWithTheCarrier) {
    Port port;
    port.take(1, them(31));
    port.take(2, them(32));
    port.lacp.carrier_changed(1, port.now);
    EXPECT_EQ(port.text(), "expired, current usable; negotiated");
    EXPECT_EQ(port.lacp.counters(1)->carrier_changed, 1u);
}

TEST(Lacp, MembersComeAndGo) {
    Port port;
    port.take(1, them(31));
    port.take(2, them(32));
    port.lacp.remove_member(1);
    EXPECT_EQ(port.text(), "current usable; negotiated");
    auto out = port.sent();
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].pdu.actor.state & LacpInfo::kAggregation, 0);
    EXPECT_EQ(out[0].pdu.actor.key, 2);
    port.lacp.remove_member(2);
    EXPECT_FALSE(port.lacp.negotiated());
    EXPECT_EQ(port.lacp.next_wakeup_ms(), INT64_MAX);
}

}  // namespace
}  // namespace weft::vswitch
