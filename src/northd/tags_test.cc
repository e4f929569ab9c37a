#include "northd/tags.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace weft::northd {
namespace {

Uuid id(int number) {
    Uuid out;
    out.bytes[0] = 1;
    out.bytes[15] = static_cast<uint8_t>(number);
    return out;
}
TagClaim claim(int number, const char* parent, std::optional<int64_t> request) {
    return {id(number), fmt::format("p{:03}", number), parent, request};
}

TEST(Tags, TheLowestFreePerParent) {
    Tags tags;
    tags.set_claim(claim(1, "vm1", 0));
    tags.set_claim(claim(2, "vm1", 0));
    tags.set_claim(claim(3, "vm2", 0));
    tags.set_claim(claim(4, "vm1", 3));
    EXPECT_EQ(tags.settle().size(), 4u);
    EXPECT_EQ(tags.find(id(1)), 1);
    EXPECT_EQ(tags.find(id(2)), 2);
    EXPECT_EQ(tags.find(id(3)), 1);
    EXPECT_EQ(tags.find(id(4)), 3);
    tags.set_claim(claim(5, "vm1", 0));
    tags.settle();
    EXPECT_EQ(tags.find(id(5)), 4);
    tags.erase_claim(id(1));
    tags.set_claim(claim(6, "vm1", 0));
    EXPECT_EQ(tags.settle(), std::vector<Uuid>{id(6)});
    EXPECT_EQ(tags.find(id(6)), 1);
}

TEST(Tags, WithoutParentOrRequestThereIsNothingToChoose) {
    Tags tags;
    tags.set_claim(claim(1, "", 0));
    tags.set_claim(claim(2, "", 9));
    tags.settle();
    EXPECT_FALSE(tags.find(id(1)));
    EXPECT_EQ(tags.find(id(2)), 9);
}

TEST(Tags, KeepsWhatAPortHad) {
    Tags tags;
    tags.set_claim(claim(1, "vm1", 0));
    tags.set_claim(claim(2, "vm1", 0));
    tags.suggest(id(2), 7);
    tags.suggest(id(1), 7);
    tags.settle();
    EXPECT_EQ(tags.find(id(1)), 7);
    EXPECT_EQ(tags.find(id(2)), 1);
}

TEST(Tags, AParentMayRunOut) {
    Tags tags(2);
    for (int i = 1; i <= 3; ++i) tags.set_claim(claim(i, "vm1", 0));
    tags.settle();
    EXPECT_EQ(tags.shortages().size(), 1u);
    tags.erase_claim(id(1));
    EXPECT_EQ(tags.settle(), std::vector<Uuid>{id(3)});
    EXPECT_EQ(tags.find(id(3)), 1);
    EXPECT_TRUE(tags.shortages().empty());
}

TEST(TagsRandom, DistinctAndStable) {
    unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    auto pick = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    Tags tags(12);
    std::map<int, TagClaim> claims;
    for (int step = 0; step < 2000; ++step) {
        int number = pick(40);
        std::map<int, std::optional<int64_t>> before;
        for (const auto& [each, c] : claims) before[each] = tags.find(c.port);
        if (claims.contains(number) && pick(2)) {
            claims.erase(number);
            tags.erase_claim(id(number));
        } else {
            claims[number] = claim(number, pick(2) ? "vm1" : "vm2", 0);
            tags.set_claim(claims[number]);
        }
        tags.settle();
        std::map<std::pair<std::string, int64_t>, int> used;
        for (const auto& [each, c] : claims) {
            auto tag = tags.find(c.port);
            ASSERT_NE(tag.has_value(), tags.shortages().contains(c.port));
            if (!tag) continue;
            ASSERT_TRUE(used.emplace(std::pair(c.parent, *tag), each).second);
            if (each == number || !before[each]) continue;
            ASSERT_EQ(before[each], tag);
        }
    }
}

}  // namespace
}  // namespace weft::northd
