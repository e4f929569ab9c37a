#include "switch/protocols/stp.h"

#include <gtest/gtest.h>

#include "switch/protocols/tree_network.h"

namespace weft::vswitch {
namespace {

using packet::Bpdu;

Bpdu configuration(uint64_t root, uint32_t cost, uint64_t bridge, uint16_t port = 0x8001) {
    Bpdu bpdu;
    bpdu.root = root;
    bpdu.root_path_cost = cost;
    bpdu.bridge = bridge;
    bpdu.port = port;
    bpdu.max_age = 20 * 256;
    bpdu.hello_time = 2 * 256;
    bpdu.forward_delay = 15 * 256;
    return bpdu;
}

constexpr uint64_t kOwn = 0x8000'aa55aa550000, kBetter = 0x1000'020000000099;

struct Alone {
    int64_t now = 0;
    Stp stp{{.bridge = kOwn}, 0};

    explicit Alone(uint8_t ports) {
        for (uint8_t i = 1; i <= ports; ++i) {
            stp.set_port(i, {.name = "p" + std::to_string(i), .path_cost = 2}, 0);
            stp.set_up(i, true, 0);
        }
        stp.run(0);
    }
    std::vector<TreeMessage> take(uint8_t port, const Bpdu& bpdu) {
        stp.take_messages();
        stp.receive(port, bpdu, now);
        stp.run(now);
        return stp.take_messages();
    }
    std::vector<TreeMessage> run(int64_t ms) {
        for (int64_t end = now + ms; now < end;) stp.run(now += 100);
        return stp.take_messages();
    }
    TreeState state(uint8_t port) { return stp.port(port)->state; }
    Stp::Role role(uint8_t port) { return stp.port(port)->role; }
};

TEST(Stp, ARootSaysHelloAndForwardsAfterTwoDelays) {
    Alone a(2);
    auto first = a.stp.take_messages();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0].bpdu.root, kOwn);
    EXPECT_EQ(first[0].bpdu.bridge, kOwn);
    EXPECT_EQ(first[0].bpdu.port, 0x8001);
    EXPECT_EQ(first[0].bpdu.message_age, 0);
    EXPECT_EQ(first[0].bpdu.flags, 0);
    EXPECT_EQ(a.run(10000).size(), 2u * 5);
    EXPECT_EQ(a.state(1), TreeState::kListening);
    a.run(4900);
    EXPECT_EQ(a.state(1), TreeState::kListening);
    a.run(100);
    EXPECT_EQ(a.state(1), TreeState::kLearning);
    a.run(15000);
    EXPECT_EQ(a.state(1), TreeState::kForwarding);
    EXPECT_TRUE(a.stp.take_flush());
    // For 35 s the change of the topology is told.
    auto told = a.run(34000);
    EXPECT_EQ(told.front().bpdu.flags, Bpdu::kTopologyChangeFlag);
    EXPECT_EQ(told.back().bpdu.flags, Bpdu::kTopologyChangeFlag);
    a.run(2000);
    EXPECT_EQ(a.run(2000).back().bpdu.flags, 0);
}

TEST(Stp, ABetterBridgeBecomesRoot) {
    Alone a(3);
    auto out = a.take(1, configuration(kBetter, 0, kBetter));
    EXPECT_FALSE(a.stp.is_root());
    EXPECT_EQ(a.stp.root_path_cost(), 2u);
    EXPECT_EQ(a.role(1), Stp::Role::kRoot);
    EXPECT_TRUE(out.empty()) << "held back: each port spoke less than a second ago";
    out = a.run(1000);
    ASSERT_EQ(out.size(), 2u) << "and made up for";
    EXPECT_EQ(out[0].port, 2);
    EXPECT_EQ(out[0].bpdu.root, kBetter);
    EXPECT_EQ(out[0].bpdu.root_path_cost, 2u);
    EXPECT_EQ(out[0].bpdu.message_age, 257) << "a second, and the increment";
    // Another way to it is an alternative, and blocks.
    a.take(2, configuration(kBetter, 0, kBetter, 0x8002));
    EXPECT_EQ(a.role(2), Stp::Role::kAlternate);
    EXPECT_EQ(a.state(2), TreeState::kBlocking);
    // Worse news by a designated port are answered.
    a.run(1000);
    out = a.take(3, configuration(kOwn + 5, 0, kOwn + 5));
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].port, 3);
    EXPECT_EQ(out[0].bpdu.root, kBetter);
    // When the root falls silent the alternative takes over, then this bridge.
    a.take(2, configuration(kBetter, 0, kBetter, 0x8002));
    a.run(18100);
    EXPECT_EQ(a.role(2), Stp::Role::kRoot);
    EXPECT_EQ(a.state(2), TreeState::kListening);
    a.run(2000);
    EXPECT_TRUE(a.stp.is_root());
    EXPECT_EQ(a.role(2), Stp::Role::kDesignated);
}

TEST(Stp, TopologyChangesAreToldUntilAcknowledged) {
    Alone a(2);
    a.take(1, configuration(kBetter, 0, kBetter));
    size_t tcns = 0;
    for (int i = 0; i < 35; ++i) {
        for (const TreeMessage& m : a.run(1000)) tcns += m.bpdu.type == Bpdu::Type::kTopologyChange;
        a.take(1, configuration(kBetter, 0, kBetter));
    }
    EXPECT_GE(tcns, 2u) << "every hello time";
    Bpdu acknowledgment = configuration(kBetter, 0, kBetter);
    acknowledgment.flags = Bpdu::kAcknowledgment;
    a.take(1, acknowledgment);
    for (const TreeMessage& m : a.run(5000)) EXPECT_NE(m.bpdu.type, Bpdu::Type::kTopologyChange);
    // One that came from below goes on, and is acknowledged.
    a.stp.take_flush();
    Bpdu tcn;
    tcn.type = Bpdu::Type::kTopologyChange;
    auto out = a.take(2, tcn);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0].port, 1);
    EXPECT_EQ(out[0].bpdu.type, Bpdu::Type::kTopologyChange);
    EXPECT_EQ(out[1].port, 2);
    EXPECT_EQ(out[1].bpdu.flags, Bpdu::kAcknowledgment);
    EXPECT_TRUE(a.stp.take_flush());
    // The root's word flushes once.
    Bpdu change = configuration(kBetter, 0, kBetter);
    change.flags = Bpdu::kTopologyChangeFlag;
    a.take(1, change);
    EXPECT_TRUE(a.stp.take_flush());
    a.take(1, change);
    EXPECT_FALSE(a.stp.take_flush());
}

TEST(Stp, OldAndOwnMessagesAreIgnored) {
    Alone a(2);
    Bpdu old = configuration(kBetter, 0, kBetter);
    old.message_age = old.max_age;
    a.take(1, old);
    EXPECT_TRUE(a.stp.is_root());
    a.take(1, configuration(kOwn, 0, kOwn, 0x8001));
    EXPECT_EQ(a.role(1), Stp::Role::kDesignated);
    // Two ports of one bridge on one LAN: the higher number blocks.
    a.take(2, configuration(kOwn, 0, kOwn, 0x8001));
    EXPECT_EQ(a.state(2), TreeState::kBlocking);
    EXPECT_EQ(a.state(1), TreeState::kListening);
}

TEST(Stp, PortsComeAndGo) {
    Alone a(2);
    a.take(1, configuration(kBetter, 0, kBetter));
    a.stp.set_up(1, false, a.now);
    a.stp.run(a.now);
    EXPECT_TRUE(a.stp.is_root());
    EXPECT_EQ(a.state(1), TreeState::kDisabled);
    a.take(1, configuration(kBetter, 0, kBetter));
    EXPECT_TRUE(a.stp.is_root()) << "a port that is down hears nothing";
    a.stp.set_up(1, true, a.now);
    a.take(1, configuration(kBetter, 0, kBetter));
    EXPECT_FALSE(a.stp.is_root());
    a.stp.remove_port(1, a.now);
    EXPECT_TRUE(a.stp.is_root());
    a.stp.configure({.bridge = kBetter - 1}, a.now);
    a.take(2, configuration(kBetter, 0, kBetter));
    EXPECT_TRUE(a.stp.is_root()) << "a better identifier of its own";
    // A silly forward delay of the root's does no harm.
    Bpdu silly = configuration(1, 0, 1);
    silly.forward_delay = silly.hello_time = 0;
    for (int i = 0; i < 16; ++i) {
        a.take(2, silly);
        a.run(1000);
    }
    EXPECT_EQ(a.state(2), TreeState::kForwarding);
}

TEST(Stp, Costs) {
    EXPECT_EQ(Stp::path_cost(0), 2);
    EXPECT_EQ(Stp::path_cost(10'000'000), 100);
    EXPECT_EQ(Stp::path_cost(100'000'000), 19);
    EXPECT_EQ(Stp::path_cost(1'000'000'000), 4);
    EXPECT_EQ(Stp::path_cost(40'000'000'000), 2);
}

TEST(Stp, RandomNetworksBecomeTreesAndHeal) {
    uint64_t seed = tree_seed();
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int run = 0; run < 20; ++run) {
        TreeNetwork net;
        size_t count = 2 + random() % 6;
        for (size_t i = 0; i < count; ++i) net.add_stp(static_cast<uint16_t>(random() % 3 * 0x1000));
        for (size_t i = 1; i < count; ++i)
            net.cable(random() % i, i, static_cast<uint16_t>(1 + random() % 100));
        for (size_t i = 0, extra = random() % 6; i < extra; ++i)
            net.cable(random() % count, random() % count, static_cast<uint16_t>(1 + random() % 100));
        net.run(60000);
        ASSERT_TRUE(net.is_tree()) << "run " << run;
        size_t victim = random() % net.cables.size();
        bool told = random() % 2;
        net.cut(victim, told);
        for (int i = 0; i < 80; ++i) {
            net.run(1000);
            ASSERT_FALSE(net.has_loop()) << "run " << run << " after the cut";
        }
        ASSERT_TRUE(net.is_tree()) << "run " << run << " after the cut";
        net.mend(victim);
        // Ends that never knew of the cut forward at once, until the next hello.
        if (!told) net.run(4000);
        for (int i = 0; i < 60; ++i) {
            net.run(1000);
            ASSERT_FALSE(net.has_loop()) << "run " << run << " after the mend";
        }
        ASSERT_TRUE(net.is_tree()) << "run " << run << " after the mend";
        ASSERT_TRUE(net.silent);
    }
}

TEST(Stp, AnythingReceivedIsSurvived) {
    std::mt19937_64 random(tree_seed());
    Alone a(4);
    for (int i = 0; i < 20000; ++i) {
        Bpdu bpdu;
        static constexpr Bpdu::Type kTypes[] = {Bpdu::Type::kConfiguration, Bpdu::Type::kRst,
                                                Bpdu::Type::kTopologyChange};
        bpdu.type = kTypes[random() % 3];
        bpdu.flags = static_cast<uint8_t>(random());
        bpdu.root = random() % 4 ? random() % 4 + kOwn - 2 : random();
        bpdu.bridge = random() % 4 ? random() % 4 + kOwn - 2 : random();
        bpdu.root_path_cost = static_cast<uint32_t>(random() % 2 ? random() : random() % 4);
        bpdu.port = static_cast<uint16_t>(random() % 2 ? random() : 0x8001 + random() % 4);
        bpdu.message_age = static_cast<uint16_t>(random() % 2 ? random() : random() % 256);
        bpdu.max_age = static_cast<uint16_t>(random() % 2 ? random() : 20 * 256);
        bpdu.hello_time = static_cast<uint16_t>(random() % 2 ? random() : 0);
        bpdu.forward_delay = static_cast<uint16_t>(random() % 2 ? random() : 0);
        a.take(static_cast<uint8_t>(random() % 6), bpdu);
        if (!(random() % 8)) a.run(100 * static_cast<int64_t>(random() % 30));
        ASSERT_GT(a.stp.next_wakeup_ms(), a.now) << "it would run for ever";
    }
}

}  // namespace
}  // namespace weft::vswitch
