#include "switch/classifier/classifier.h"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <random>

namespace weft::vswitch {
namespace {

using packet::Flow;

struct Table {
    Classifier classifier;
    std::vector<std::unique_ptr<LooseRule>> rules;
    ~Table() {
        for (auto& rule : rules) classifier.remove(*rule);
    }
    ClassifierRule* add(const Flow& value, const Flow& mask, int priority) {
        if (classifier.find(value, mask, priority)) return nullptr;
        rules.push_back(std::make_unique<LooseRule>(value, mask, priority));
        classifier.insert(*rules.back());
        return rules.back().get();
    }
    int linear_priority(const Flow& flow) const {
        int best = -1;
        for (const auto& rule : rules) {
            if (!rule->conjunctions() && rule->matches(flow)) best = std::max(best, rule->priority());
        }
        return best;
    }
};

// Packets and rules over few values, so that they meet.
struct Random {
    explicit Random(uint64_t seed) : engine(seed) {}
    std::mt19937_64 engine;
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine() % n); }

    Flow packet() {
        Flow flow = packet::zero_flow();
        flow.metadata = below(3);
        flow.in_port = below(4);
        flow.regs[3] = below(2) << below(3);
        flow.regs[9] = below(2);
        flow.dl_src[5] = static_cast<uint8_t>(below(4));
        flow.dl_dst[5] = static_cast<uint8_t>(below(4));
        flow.dl_type = below(2) ? 0x0800 : 0x86dd;
        if (flow.dl_type == 0x0800) {
            flow.nw_src = 0x0a000000 | below(4) << 16 | below(4);
            flow.nw_dst = 0x0a000000 | below(4) << 8 | below(256);
        } else {
            flow.ipv6_src[0] = 0x20;
            flow.ipv6_src[9] = static_cast<uint8_t>(below(256));
            flow.ipv6_dst[15] = static_cast<uint8_t>(below(8));
        }
        flow.nw_proto = below(2) ? 6 : 17;
        flow.tp_src = static_cast<uint16_t>(below(16) << 6);
        flow.tp_dst = static_cast<uint16_t>(below(16) << 6 | below(3));
        return flow;
    }

    Flow mask() {
        Flow mask = packet::zero_flow();
        if (below(2)) mask.metadata = ~uint64_t{0};
        if (below(3) == 0) mask.in_port = ~0u;
        if (below(5) == 0) mask.regs[3] = 3;
        if (below(5) == 0) {  // many words of the first stage
            for (size_t i = below(4); i < 12; i += 2) mask.regs[i] = ~0u;
        }
        if (below(4) == 0) mask.dl_src.fill(0xff);
        if (below(4) == 0) mask.dl_dst.fill(0xff);
        if (below(2)) {
            mask.dl_type = 0xffff;
            if (below(2)) mask.nw_src = ~0u << below(32);
            if (below(2)) mask.nw_dst = ~0u << below(12);
            if (below(8) == 0) mask.nw_dst = 0x00ff00ff;
            if (below(3) == 0) std::fill_n(mask.ipv6_src.begin(), below(17), uint8_t{0xff});
            if (below(3) == 0) mask.ipv6_dst.fill(0xff);
            if (below(2)) {
                mask.nw_proto = 0xff;
                if (below(2)) mask.tp_src = 0xffff;
                if (below(2)) mask.tp_dst = static_cast<uint16_t>(0xffff << below(8));
            }
        }
        return mask;
    }
};

// Changes bits outside `wildcards` only.
Flow scramble(Random& random, const Flow& flow, const Flow& wildcards) {
    Flow other = random.packet();
    uint64_t* out = packet::words(other);
    for (size_t i = 0; i < packet::kFlowWords; ++i) {
        uint64_t keep = packet::words(wildcards)[i];
        out[i] = (packet::words(flow)[i] & keep) | (out[i] & ~keep);
    }
    return other;
}

int priority_of(const ClassifierRule* rule) {
    return rule ? rule->priority() : -1;
}

// A classifier that was cleared is as good as new, and its rules can come back.
TEST(Classifier, ClearedAndFilledAgain) {
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Table table;
    for (int i = 0; i < 200; ++i) table.add(random.packet(), random.mask(), i);
    table.classifier.clear();
    EXPECT_TRUE(table.classifier.empty());
    EXPECT_EQ(table.classifier.masks(), 0u);
    for (int i = 0; i < 100; ++i) {
        Flow wildcards = packet::zero_flow();
        EXPECT_EQ(table.classifier.lookup(random.packet(), &wildcards), nullptr);
        EXPECT_EQ(wildcards, packet::zero_flow());
    }
    for (auto& rule : table.rules) {
        EXPECT_FALSE(rule->in_classifier());
        table.classifier.insert(*rule);
    }
    for (int i = 0; i < 300; ++i) {
        Flow flow = random.packet();
        Flow wildcards = packet::zero_flow();
        EXPECT_EQ(priority_of(table.classifier.lookup(flow, &wildcards)), table.linear_priority(flow));
    }
}

TEST(Classifier, AgreesWithLinearSearchAndKeepsTheMegaflowProperty) {
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    for (int round = 0; round < 60; ++round) {
        Table table;
        int rules = 1 + static_cast<int>(random.below(200));
        for (int i = 0; i < rules; ++i) table.add(random.packet(), random.mask(), static_cast<int>(i));
        // Also after removals, and after those that follow lookups.
        for (int again = 0; again < 2; ++again) {
            for (uint32_t i = random.below(static_cast<uint32_t>(table.rules.size() + 1)); i > 0; --i) {
                size_t victim = random.below(static_cast<uint32_t>(table.rules.size()));
                table.classifier.remove(*table.rules[victim]);
                table.rules.erase(table.rules.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            for (int i = 0; i < 200; ++i) {
                Flow flow = random.packet();
                Flow wildcards = packet::zero_flow();
                int found = priority_of(table.classifier.lookup(flow, &wildcards));
                ASSERT_EQ(found, table.linear_priority(flow));
                for (int j = 0; j < 5; ++j) {
                    Flow other = scramble(random, flow, wildcards);
                    ASSERT_EQ(table.linear_priority(other), found) << "round " << round;
                }
            }
        }
    }
}

TEST(Classifier, LooksAtFewBits) {
    Table table;
    Flow value = packet::zero_flow(), mask = packet::zero_flow();
    value.dl_type = 0x0800, mask.dl_type = 0xffff;
    value.nw_dst = 0x0a010200, mask.nw_dst = 0xffffff00;
    table.add(value, mask, 10);
    mask.nw_dst = 0xffffffff, value.nw_dst = 0x0a010203;
    mask.nw_proto = 0xff, value.nw_proto = 6;
    mask.tp_dst = 0xffff, value.tp_dst = 80;
    table.add(value, mask, 20);

    Flow arp = packet::zero_flow();
    arp.dl_type = 0x0806;
    Flow wildcards = packet::zero_flow();
    EXPECT_EQ(table.classifier.lookup(arp, &wildcards), nullptr);
    EXPECT_EQ(wildcards.dl_type.get(), 0xffff);
    EXPECT_EQ(wildcards.nw_dst.get(), 0u) << "the second stage already failed";

    Flow far = packet::zero_flow();
    far.dl_type = 0x0800;
    far.nw_dst = 0xc0000001;
    wildcards = packet::zero_flow();
    EXPECT_EQ(table.classifier.lookup(far, &wildcards), nullptr);
    EXPECT_EQ(wildcards.nw_dst.get(), 0x80000000u) << "the first bit tells";
    EXPECT_EQ(wildcards.tp_dst.get(), 0u);
}

TEST(Classifier, Overlaps) {
    Table table;
    Flow value = packet::zero_flow(), mask = packet::zero_flow();
    value.in_port = 1, mask.in_port = ~0u;
    table.add(value, mask, 5);
    Flow value2 = packet::zero_flow(), mask2 = packet::zero_flow();
    value2.dl_type = 0x800, mask2.dl_type = 0xffff;
    EXPECT_TRUE(table.classifier.overlaps(LooseRule(value2, mask2, 5)));
    EXPECT_FALSE(table.classifier.overlaps(LooseRule(value2, mask2, 6)));
    value2.in_port = 2, mask2.in_port = ~0u;
    EXPECT_FALSE(table.classifier.overlaps(LooseRule(value2, mask2, 5)));
}

TEST(Classifier, WithinIsLooseMatching) {
    Table table;
    Flow value = packet::zero_flow(), mask = packet::zero_flow();
    value.in_port = 1, mask.in_port = ~0u;
    table.add(value, mask, 5);
    value.dl_type = 0x800, mask.dl_type = 0xffff;
    table.add(value, mask, 6);
    auto count = [&](const Flow& v, const Flow& m) {
        int n = 0;
        table.classifier.for_each_within(v, m, [&](ClassifierRule&) { ++n; });
        return n;
    };
    Flow none = packet::zero_flow();
    EXPECT_EQ(count(none, none), 2);
    EXPECT_EQ(count(value, mask), 1);
    Flow port_mask = packet::zero_flow();
    port_mask.in_port = ~0u;
    EXPECT_EQ(count(value, port_mask), 2);
    value.in_port = 2;
    EXPECT_EQ(count(value, port_mask), 0);
}

// Conjunctions against their definition: at each priority from the top, every clause of an id has a matching
// rule.
TEST(Classifier, Conjunctions) {
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    for (int round = 0; round < 100; ++round) {
        Table table;
        // id N at priority 100 + N: its result matches conj_id=N.
        struct Soft {
            ClassifierRule* rule;
            Conjunction conjunction;
        };
        std::vector<Soft> soft;
        constexpr uint32_t kIds = 4;
        for (uint32_t id = 1; id <= kIds; ++id) {
            for (int i = 0; i < 6; ++i) {
                ClassifierRule* rule = table.add(random.packet(), random.mask(), 100 + static_cast<int>(id));
                if (!rule) continue;
                Conjunction c{id, static_cast<uint8_t>(random.below(2)), 2};
                rule->set_conjunctions({c});
                soft.push_back({rule, c});
            }
            Flow value = packet::zero_flow(), mask = packet::zero_flow();
            value.conj_id = id, mask.conj_id = ~0u;
            table.add(value, mask, 1000 + static_cast<int>(id));
        }
        for (int i = 0; i < 10; ++i) table.add(random.packet(), random.mask(), 98 + 2 * i);
        auto expected = [&](const Flow& flow) {
            int hard = table.linear_priority(flow);
            for (uint32_t id = kIds; id >= 1; --id) {
                if (100 + static_cast<int>(id) <= hard) break;
                unsigned clauses = 0;
                for (const Soft& s : soft) {
                    if (s.conjunction.id == id && s.rule->matches(flow))
                        clauses |= 1u << s.conjunction.clause;
                }
                if (clauses == 3) return 1000 + static_cast<int>(id);
            }
            return hard;
        };
        for (int i = 0; i < 200; ++i) {
            Flow flow = random.packet();
            Flow wildcards = packet::zero_flow();
            int found = priority_of(table.classifier.lookup(flow, &wildcards));
            ASSERT_EQ(found, expected(flow)) << "round " << round;
            for (int j = 0; j < 3; ++j) ASSERT_EQ(expected(scramble(random, flow, wildcards)), found);
        }
    }
}

// Of the processor, since others may use it, too.
double seconds_of_lookups(int rules) {
    Random random(1);
    Table table;
    for (int i = 0; i < rules; ++i) {
        Flow value = packet::zero_flow(), mask = packet::zero_flow();
        mask.metadata = ~uint64_t{0}, value.metadata = random.below(100);
        mask.dl_type = 0xffff, value.dl_type = 0x800;
        mask.nw_dst = ~0u << (8 * random.below(4)), value.nw_dst = random.below(1u << 31);
        table.add(value, mask, static_cast<int>(random.below(1000)));
    }
    std::clock_t start = std::clock();
    int found = 0;
    Flow flow = packet::zero_flow();
    flow.dl_type = 0x800;
    for (int i = 0; i < 60000; ++i) {
        flow.metadata = random.below(100);
        flow.nw_dst = random.below(1u << 31);
        Flow wildcards = packet::zero_flow();
        found += table.classifier.lookup(flow, &wildcards) != nullptr;
    }
    EXPECT_GT(found, 0);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(Classifier, LookupsDoNotCostByTheNumberOfRules) {
    double few = seconds_of_lookups(2000), many = seconds_of_lookups(20000);
    RecordProperty("ratio", std::to_string(many / few));
    EXPECT_LT(many, 4 * few) << few << " s among 2,000 rules";
}

TEST(PrefixTrie, AgreesWithAList) {
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    PrefixTrie trie(128);
    std::vector<std::pair<PrefixTrie::Value, unsigned>> prefixes;
    auto random_value = [&] {
        PrefixTrie::Value v{};
        for (auto& w : v) w = static_cast<uint32_t>(engine() & engine() & engine() & engine());
        return v;
    };
    auto bit = [](const PrefixTrie::Value& v, unsigned i) { return v[i / 32] >> (31 - i % 32) & 1; };
    auto covers = [&](const auto& prefix, const PrefixTrie::Value& v) {
        for (unsigned i = 0; i < prefix.second; ++i) {
            if (bit(prefix.first, i) != bit(v, i)) return false;
        }
        return true;
    };
    for (int step = 0; step < 3000; ++step) {
        if (prefixes.size() < 50 || engine() % 2) {
            std::pair<PrefixTrie::Value, unsigned> p(random_value(), 1 + engine() % 128);
            for (unsigned i = p.second; i < 128; ++i) p.first[i / 32] &= ~(1u << (31 - i % 32));
            trie.insert(p.first, p.second);
            prefixes.push_back(p);
        } else {
            size_t i = engine() % prefixes.size();
            trie.remove(prefixes[i].first, prefixes[i].second);
            prefixes.erase(prefixes.begin() + static_cast<std::ptrdiff_t>(i));
        }
        PrefixTrie::Value value = random_value();
        PrefixTrie::Answer answer = trie.lookup(value);
        std::bitset<129> lengths;
        for (const auto& p : prefixes) {
            if (covers(p, value)) lengths.set(p.second);
        }
        ASSERT_EQ(answer.lengths, lengths);
        // Whatever the other bits, the answer is the same.
        PrefixTrie::Value other = random_value();
        for (unsigned i = 0; i < answer.decisive_bits; ++i) {
            uint32_t m = 1u << (31 - i % 32);
            other[i / 32] = (other[i / 32] & ~m) | (value[i / 32] & m);
        }
        ASSERT_EQ(trie.lookup(other).lengths, lengths);
    }
    while (!prefixes.empty()) {
        trie.remove(prefixes.back().first, prefixes.back().second);
        prefixes.pop_back();
    }
    EXPECT_EQ(trie.nodes(), 0u);
}

}  // namespace
}  // namespace weft::vswitch
