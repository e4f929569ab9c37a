#include "switch/protocols/bond.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using Admission = Bond::Admission;
constexpr packet::EthAddr kMac1 = {2, 0, 0, 0, 0, 1}, kMac2 = {2, 0, 0, 0, 0, 2};

struct Bonded {
    int64_t now = 1000;
    Bond bond;
    std::vector<std::string> log;
    bool changed = false, teach = false;

    explicit Bonded(BondMode mode, int64_t updelay = 0, int64_t downdelay = 0, std::string primary = "")
        : bond("bond0", options(mode, updelay, downdelay, std::move(primary)), 1000) {
        bond.set_member(1, "p1", kMac1);
        bond.set_member(2, "p2", kMac2);
        link(1, true);
        link(2, true);
        log.clear();
    }
    static BondOptions options(BondMode mode, int64_t updelay, int64_t downdelay, std::string primary) {
        BondOptions out;
        out.mode = mode;
        out.updelay_ms = updelay;
        out.downdelay_ms = downdelay;
        out.primary = std::move(primary);
        return out;
    }
    void run() {
        Bond::Outcome outcome = bond.run(now);
        log.insert(log.end(), outcome.log.begin(), outcome.log.end());
        changed |= outcome.changed;
        teach |= outcome.teach;
    }
    void link(Bond::Port port, bool up) {
        bond.set_link(port, up);
        run();
    }
    void pass(int64_t ms) {
        now += ms;
        run();
    }
    std::vector<std::string> said() { return std::exchange(log, {}); }
};

using Lines = std::vector<std::string>;

TEST(Bond, FailsOver) {
    Bonded b(BondMode::kActiveBackup);
    EXPECT_EQ(b.bond.active(), 1u);
    b.changed = b.teach = false;
    b.link(1, false);
    EXPECT_EQ(b.bond.active(), 2u);
    EXPECT_TRUE(b.changed && b.teach);
    EXPECT_EQ(b.said(), (Lines{"member p1: link state down", "member p1: disabled",
                               "bond bond0: active member is now p2"}));
    // Who took over stays.
    b.link(1, true);
    EXPECT_EQ(b.bond.active(), 2u);
    EXPECT_EQ(b.said(), (Lines{"member p1: link state up", "member p1: enabled"}));
    b.link(1, false);
    b.link(2, false);
    EXPECT_EQ(b.bond.active(), Bond::kNone);
    EXPECT_EQ(b.said().back(), "bond bond0: all members disabled");
}

TEST(Bond, WaitsForItsDelays) {
    Bonded b(BondMode::kActiveBackup, 1000, 500);
    b.link(1, false);
    EXPECT_EQ(b.said(), (Lines{"member p1: link state down",
                               "member p1: will be disabled if it stays down for 500 ms"}));
    b.pass(499);
    EXPECT_EQ(b.bond.active(), 1u);
    EXPECT_EQ(b.bond.next_wakeup_ms(), 1500);
    b.pass(1);
    EXPECT_EQ(b.bond.active(), 2u);
    b.said();
    b.link(1, true);
    b.pass(300);
    b.link(1, false);
    EXPECT_EQ(b.said(),
              (Lines{"member p1: link state up", "member p1: will be enabled if it stays up for 1000 ms",
                     "member p1: will not be enabled"}));
    b.link(1, true);
    b.pass(1000);
    EXPECT_TRUE(b.bond.enabled(1));
    // A delay is no use if nothing else works.
    b.link(1, false);
    b.link(2, false);
    b.pass(500);
    b.said();
    b.link(2, true);
    EXPECT_EQ(b.bond.active(), 2u);
    EXPECT_EQ(b.said(),
              (Lines{"member p2: link state up", "member p2: will be enabled if it stays up for 1000 ms",
                     "bond bond0: active member is now p2, skipping remaining 1000 ms updelay (since "
                     "no member was enabled)",
                     "member p2: enabled"}));
}

// A new member carries packets at once, until its link or LACP says otherwise for the time of the delay.
TEST(Bond, BeginsAsItsLinkIs) {
    Bonded b(BondMode::kBalanceTcp, 0, 500);
    b.bond.set_lacp(BondLacp::kNegotiated);
    b.bond.set_member(3, "p3", kMac2);
    b.bond.set_link(3, true, false);
    b.run();
    EXPECT_TRUE(b.bond.enabled(3));
    EXPECT_EQ(b.said(), (Lines{"member p3: enabled", "member p3: link state down",
                               "member p3: will be disabled if it stays down for 500 ms"}));
    b.pass(500);
    EXPECT_FALSE(b.bond.enabled(3));
}

TEST(Bond, PrefersItsPrimary) {
    Bonded b(BondMode::kActiveBackup, 0, 0, "p2");
    EXPECT_EQ(b.bond.active(), 2u);
    b.link(2, false);
    EXPECT_EQ(b.bond.active(), 1u);
    b.link(2, true);
    EXPECT_EQ(b.bond.active(), 2u);
    b.bond.set_active(1);
    b.run();
    EXPECT_EQ(b.bond.active(), 2u);
}

TEST(Bond, AdmitsOneCopy) {
    struct Case {
        BondMode mode;
        BondLacp lacp;
        bool fallback, all;
        Admission unicast_active, unicast_other, multicast_active, multicast_other;
    };
    using enum Admission;
    constexpr Case kCases[] = {
        {BondMode::kActiveBackup, BondLacp::kOff, false, false, kAccept, kDrop, kAccept, kDrop},
        {BondMode::kBalanceSlb, BondLacp::kOff, false, false, kDropIfMoved, kDropIfMoved, kDropIfMoved,
         kDrop},
        {BondMode::kBalanceSlb, BondLacp::kOff, false, true, kDropIfMoved, kDropIfMoved, kDropIfMoved,
         kDropIfMoved},
        {BondMode::kBalanceTcp, BondLacp::kOff, false, false, kDrop, kDrop, kDrop, kDrop},
        {BondMode::kBalanceTcp, BondLacp::kConfigured, false, false, kDrop, kDrop, kDrop, kDrop},
        {BondMode::kBalanceTcp, BondLacp::kConfigured, true, false, kAccept, kDrop, kAccept, kDrop},
        {BondMode::kBalanceSlb, BondLacp::kConfigured, true, false, kDropIfMoved, kDropIfMoved, kDropIfMoved,
         kDrop},
        {BondMode::kActiveBackup, BondLacp::kConfigured, false, false, kDrop, kDrop, kDrop, kDrop},
        {BondMode::kActiveBackup, BondLacp::kNegotiated, false, false, kAccept, kAccept, kAccept, kAccept},
        {BondMode::kBalanceTcp, BondLacp::kNegotiated, false, false, kAccept, kAccept, kAccept, kAccept},
    };
    for (const Case& c : kCases) {
        Bonded b(c.mode);
        BondOptions options = b.bond.options();
        options.fallback_ab = c.fallback;
        options.all_members_active = c.all;
        b.bond.configure(options, b.now);
        b.bond.set_lacp(c.lacp);
        b.run();
        EXPECT_EQ(b.bond.admit(1, false), c.unicast_active) << &c - kCases;
        EXPECT_EQ(b.bond.admit(2, false), c.unicast_other) << &c - kCases;
        EXPECT_EQ(b.bond.admit(1, true), c.multicast_active) << &c - kCases;
        EXPECT_EQ(b.bond.admit(2, true), c.multicast_other) << &c - kCases;
        EXPECT_EQ(b.bond.by_packet_hash(),
                  c.mode == BondMode::kBalanceTcp && c.lacp == BondLacp::kNegotiated);
        bool sends = c.lacp == BondLacp::kNegotiated || c.fallback ||
                     (c.lacp == BondLacp::kOff && c.mode != BondMode::kBalanceTcp);
        EXPECT_EQ(b.bond.active(), sends ? 1u : 0u) << &c - kCases;
        b.link(2, false);
        EXPECT_EQ(b.bond.admit(2, false), kDrop);
    }
}

TEST(Bond, MovesBucketsOfDisabledMembers) {
    Bonded b(BondMode::kBalanceSlb);
    std::map<Bond::Port, int> count;
    for (int i = 0; i < 256; ++i) ++count[b.bond.member_of(static_cast<uint8_t>(i))];
    EXPECT_EQ(count, (std::map<Bond::Port, int>{{1, 128}, {2, 128}}));
    b.link(1, false);
    for (int i = 0; i < 256; ++i) EXPECT_EQ(b.bond.member_of(static_cast<uint8_t>(i)), 2u);
    // They stay where they are when it comes back.
    b.link(1, true);
    for (int i = 0; i < 256; ++i) EXPECT_EQ(b.bond.member_of(static_cast<uint8_t>(i)), 2u);
    b.bond.migrate(7, 1);
    EXPECT_EQ(b.bond.member_of(7), 1u);
}

TEST(Bond, SpreadsSources) {
    std::map<uint8_t, int> buckets;
    packet::EthAddr mac = {0x50, 0x54, 0, 0, 0, 0};
    for (int i = 0; i < 4096; ++i) {
        mac[4] = static_cast<uint8_t>(i >> 8);
        mac[5] = static_cast<uint8_t>(i);
        ++buckets[Bond::hash_source(mac, 0, 0)];
    }
    EXPECT_EQ(buckets.size(), 256u);
    EXPECT_NE(Bond::hash_source(mac, 0, 0), Bond::hash_source(mac, 1, 0));
    EXPECT_NE(Bond::hash_source(mac, 0, 0), Bond::hash_source(mac, 0, 1));
}

// Loads in kB of the buckets of both members, before and after.
TEST(Bond, Rebalances) {
    struct Case {
        std::vector<uint64_t> first, second, first_after, second_after;
    };
    const Case kCases[] = {
        {{80, 40, 40}, {}, {40, 40}, {80}},
        {{100}, {}, {100}, {}},
        {{100, 4}, {}, {100}, {4}},
        {{100, 12}, {}, {100}, {12}},
        {{10, 10}, {}, {10, 10}, {}},
        {{45, 45}, {}, {45, 45}, {}},
        {{52, 52}, {}, {52}, {52}},
        {{50, 50, 50}, {140}, {50, 50, 50}, {140}},
        {{50, 50, 50}, {100}, {50, 50, 50}, {100}},
        {{180, 30, 30, 30}, {}, {180}, {30, 30, 30}},
        {{258, 31, 31, 31}, {136}, {258}, {31, 31, 31, 136}},
        {{21, 21, 21, 21, 21, 21}, {11, 11}, {21, 21, 21, 21}, {11, 11, 21, 21}},
        {{245, 390}, {138}, {390}, {138, 245}},
        {{}, {100, 60, 50}, {100}, {50, 60}},
        {std::vector<uint64_t>(60, 4), {}, std::vector<uint64_t>(35, 4), std::vector<uint64_t>(25, 4)},
    };
    for (const Case& c : kCases) {
        Bonded b(BondMode::kBalanceSlb);
        std::map<uint8_t, uint64_t> load;
        uint8_t bucket = 0;
        for (Bond::Port port : {1u, 2u}) {
            for (uint64_t kb : port == 1 ? c.first : c.second) {
                b.bond.migrate(bucket, port);
                load[bucket] = kb;
                b.bond.account(bucket++, kb * 1024);
            }
        }
        EXPECT_FALSE(b.bond.rebalance_due(b.now + 9999));
        EXPECT_TRUE(b.bond.rebalance_due(b.now + 10000));
        b.pass(10000);
        std::vector<uint64_t> first, second;
        for (const auto& [i, kb] : load) (b.bond.member_of(i) == 1 ? first : second).push_back(kb);
        std::sort(first.begin(), first.end());
        std::sort(second.begin(), second.end());
        auto sorted = [](std::vector<uint64_t> v) {
            std::sort(v.begin(), v.end());
            return v;
        };
        EXPECT_EQ(first, sorted(c.first_after)) << &c - kCases;
        EXPECT_EQ(second, sorted(c.second_after)) << &c - kCases;
    }
}

TEST(Bond, DoesNotRebalanceWithoutInterval) {
    Bonded b(BondMode::kBalanceSlb);
    BondOptions options = b.bond.options();
    options.rebalance_ms = 0;
    b.bond.configure(options, b.now);
    EXPECT_FALSE(b.bond.rebalance_due(INT64_MAX - 1));
    EXPECT_EQ(b.bond.next_wakeup_ms(), INT64_MAX);
}

}  // namespace
}  // namespace weft::vswitch
