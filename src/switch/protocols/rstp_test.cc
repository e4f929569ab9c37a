#include "switch/protocols/rstp.h"

#include <gtest/gtest.h>

#include "switch/protocols/tree_network.h"

namespace weft::vswitch {
namespace {

using packet::Bpdu;

constexpr uint64_t kOwn = 0x8000'aa55aa550000, kBetter = 0x1000'020000000099;
constexpr uint8_t kDesignated = 0x0c, kRoot = 0x08, kLearnForward = 0x30;

Bpdu rst(uint64_t root, uint32_t cost, uint64_t bridge, uint8_t flags, uint16_t port = 0x8001) {
    Bpdu bpdu;
    bpdu.type = Bpdu::Type::kRst;
    bpdu.version = 2;
    bpdu.flags = flags;
    bpdu.root = root;
    bpdu.root_path_cost = cost;
    bpdu.bridge = bridge;
    bpdu.port = port;
    bpdu.max_age = 20 * 256;
    bpdu.hello_time = 2 * 256;
    bpdu.forward_delay = 15 * 256;
    return bpdu;
}

struct Alone {
    int64_t now = 0;
    Rstp rstp;

    explicit Alone(uint16_t ports, bool auto_edge = true, bool force_stp = false)
        : rstp({.bridge = kOwn, .force_stp = force_stp}, 0) {
        for (uint16_t i = 1; i <= ports; ++i) {
            rstp.set_port(i, {.name = "p" + std::to_string(i), .path_cost = 2000, .auto_edge = auto_edge}, 0);
            rstp.set_up(i, true, 0);
        }
        rstp.run(0);
    }
    std::vector<TreeMessage> take(uint16_t port, const Bpdu& bpdu) {
        rstp.take_messages();
        rstp.receive(port, bpdu, now);
        rstp.run(now);
        return rstp.take_messages();
    }
    std::vector<TreeMessage> run(int64_t ms) {
        for (int64_t end = now + ms; now < end;) rstp.run(now += 100);
        return rstp.take_messages();
    }
    TreeState state(uint16_t port) { return rstp.port(port)->state; }
    Rstp::Role role(uint16_t port) { return rstp.port(port)->role; }
};

TEST(Rstp, AnEdgePortForwardsWhenNobodyAnswers) {
    Alone a(2);
    auto first = a.rstp.take_messages();
    ASSERT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0].bpdu, [] {
        Bpdu bpdu = rst(kOwn, 0, kOwn, kDesignated | Bpdu::kProposal);
        return bpdu;
    }());
    a.run(2900);
    EXPECT_EQ(a.state(1), TreeState::kListening);
    a.run(200);
    EXPECT_EQ(a.state(1), TreeState::kForwarding);
    auto later = a.run(2000);
    ASSERT_FALSE(later.empty());
    EXPECT_EQ(later.back().bpdu.flags, kDesignated | Bpdu::kProposal | kLearnForward);
}

TEST(Rstp, WithoutEdgesForwardingTakesTwoDelays) {
    Alone a(1, false);
    a.run(3900);
    EXPECT_EQ(a.state(1), TreeState::kListening);
    // With nobody to agree, rapid transitions need the forward delay: that is the hello time for RST BPDUs,
    // from a first wait of max age.
    a.run(30000);
    EXPECT_EQ(a.state(1), TreeState::kForwarding);
}

TEST(Rstp, AProposalIsAgreedToAtOnce) {
    Alone a(3);
    a.run(7000);
    auto out = a.take(2, rst(kBetter, 0, kBetter, kDesignated | Bpdu::kProposal | kLearnForward));
    EXPECT_EQ(a.role(2), Rstp::Role::kRoot);
    EXPECT_EQ(a.state(2), TreeState::kForwarding);
    EXPECT_EQ(a.rstp.root_port_id(), 0x8002);
    std::map<uint16_t, Bpdu> last;
    for (const TreeMessage& m : out) last[m.port] = m.bpdu;
    ASSERT_TRUE(last.contains(2));
    EXPECT_EQ(last[2].flags & ~Bpdu::kTopologyChangeFlag, kRoot | Bpdu::kAgreement | kLearnForward);
    EXPECT_EQ(last[2].root, kBetter);
    EXPECT_EQ(last[2].root_path_cost, 2000u);
    EXPECT_EQ(last[2].bridge, kOwn);
    EXPECT_EQ(last[1].root, kBetter);
    EXPECT_EQ(last[1].message_age, 256);
    // A second way blocks, and takes over at once when the first is lost.
    a.take(3, rst(kBetter, 0, kBetter, kDesignated | kLearnForward, 0x8002));
    EXPECT_EQ(a.role(3), Rstp::Role::kAlternate);
    EXPECT_EQ(a.state(3), TreeState::kListening);
    a.rstp.take_flushes();
    a.rstp.set_up(2, false, a.now);
    a.rstp.run(a.now);
    EXPECT_EQ(a.role(3), Rstp::Role::kRoot);
    EXPECT_EQ(a.state(3), TreeState::kForwarding);
    EXPECT_EQ(a.state(2), TreeState::kDisabled);
    EXPECT_FALSE(a.rstp.take_flushes().empty());
}

TEST(Rstp, ARootThatFallsSilentIsForgottenAfterThreeHellos) {
    Alone a(2);
    a.run(5000);
    a.take(1, rst(kBetter, 0, kBetter, kDesignated | kLearnForward));
    a.run(5000);
    EXPECT_EQ(a.role(1), Rstp::Role::kRoot);
    a.run(1100);
    EXPECT_EQ(a.role(1), Rstp::Role::kDesignated);
    EXPECT_EQ(a.rstp.root_port_id(), 0);
}

TEST(Rstp, SpeaksStpToAnStpBridge) {
    Alone a(2);
    a.run(7000);
    Bpdu config = rst(kBetter, 0, kBetter, 0);
    config.type = Bpdu::Type::kConfiguration;
    config.version = 0;
    a.take(1, config);
    EXPECT_EQ(a.role(1), Rstp::Role::kRoot);
    // A worse one by the other port: it is told in words that it knows.
    Bpdu worse = config;
    worse.root = worse.bridge = kOwn + 7;
    auto out = a.take(2, worse);
    for (const TreeMessage& m : a.run(4000)) out.push_back(m);
    bool told = false;
    for (const TreeMessage& m : out) told |= m.port == 2 && m.bpdu.type == Bpdu::Type::kConfiguration;
    EXPECT_TRUE(told);
    // The check of migration sends RST BPDUs again.
    a.rstp.check_migration(2);
    a.rstp.take_messages();
    told = false;
    for (const TreeMessage& m : a.run(3000)) told |= m.port == 2 && m.bpdu.type == Bpdu::Type::kRst;
    EXPECT_TRUE(told);
}

TEST(Rstp, ForcedToStpItSpeaksNothingElse) {
    Alone a(1, true, true);
    for (const TreeMessage& m : a.run(10000)) EXPECT_EQ(m.bpdu.type, Bpdu::Type::kConfiguration);
    EXPECT_EQ(a.state(1), TreeState::kListening);
    a.run(25000);
    EXPECT_EQ(a.state(1), TreeState::kForwarding);
}

TEST(Rstp, HoldsBackWhatIsTooMuch) {
    Alone a(2);
    a.rstp.take_messages();
    size_t sent = 0;
    for (int i = 0; i < 100; ++i) {
        uint64_t root = kBetter + static_cast<uint64_t>(100 - i);
        sent += a.take(1, rst(root, 0, root, kDesignated | Bpdu::kProposal)).size();
    }
    EXPECT_LE(sent, 12u);
}

TEST(Rstp, Costs) {
    EXPECT_EQ(Rstp::path_cost(0), 2000u);
    EXPECT_EQ(Rstp::path_cost(10'000'000), 2'000'000u);
    EXPECT_EQ(Rstp::path_cost(1'000'000'000), 20'000u);
    EXPECT_EQ(Rstp::path_cost(10'000'000'000), 2000u);
}

void random_networks(uint64_t seed, bool mixed) {
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int run = 0; run < 20; ++run) {
        TreeNetwork net;
        size_t count = 2 + random() % 6;
        for (size_t i = 0; i < count; ++i) {
            auto priority = static_cast<uint16_t>(random() % 3 * 0x1000);
            switch (mixed ? random() % 3 : 0) {
                case 0:
                    net.add_rstp(priority);
                    break;
                case 1:
                    net.add_stp(priority);
                    break;
                default:
                    net.add_rstp(priority, true);
            }
        }
        for (size_t i = 1; i < count; ++i)
            net.cable(random() % i, i, static_cast<uint16_t>(1 + random() % 100));
        for (size_t i = 0, extra = random() % 6; i < extra; ++i)
            net.cable(random() % count, random() % count, static_cast<uint16_t>(1 + random() % 100));
        net.run(mixed ? 120000 : 40000);
        ASSERT_TRUE(net.is_tree()) << "run " << run;
        size_t victim = random() % net.cables.size();
        net.cut(victim, random() % 2);
        // RSTP heals within three hellos, but for old news that go round until they are too old.
        net.run(mixed ? 120000 : 40000);
        ASSERT_TRUE(net.is_tree()) << "run " << run << " after the cut";
        net.mend(victim);
        net.run(mixed ? 120000 : 40000);
        ASSERT_TRUE(net.is_tree()) << "run " << run << " after the mend";
        ASSERT_TRUE(net.silent);
    }
}

TEST(Rstp, RandomNetworksBecomeTreesAndHeal) {
    random_networks(tree_seed(), false);
}

TEST(Rstp, NetworksOfBothProtocolsBecomeTrees) {
    random_networks(tree_seed(), true);
}

TEST(Rstp, AnythingReceivedIsSurvived) {
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
        a.take(static_cast<uint16_t>(random() % 6), bpdu);
        if (!(random() % 8)) a.run(100 * static_cast<int64_t>(random() % 30));
        ASSERT_GT(a.rstp.next_wakeup_ms(), a.now);
    }
}

}  // namespace
}  // namespace weft::vswitch
