#include "switch/ofproto/action_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace weft::vswitch {
namespace {

using openflow::ActionList;

ActionList actions(const std::string& text) {
    auto parsed = openflow::parse_actions(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return *parsed;
}

TEST(ActionPool, KeepsEqualListsOnce) {
    ActionPool pool;
    ActionsRef a = pool.share(actions("set_field:1->reg0,resubmit(,2)"));
    ActionsRef b = pool.share(actions("set_field:1->reg0,resubmit(,2)"));
    ActionsRef c = pool.share(actions("set_field:2->reg0,resubmit(,2)"));
    EXPECT_EQ(a.get(), b.get());
    EXPECT_NE(a.get(), c.get());
    EXPECT_EQ(*a, actions("set_field:1->reg0,resubmit(,2)"));
    EXPECT_EQ(pool.size(), 2u);
    a = b = ActionsRef();
    EXPECT_EQ(pool.size(), 1u);
}

// The hash does not look at what these differ in.
TEST(ActionPool, ListsOfOneHashAreToldApart) {
    ActionPool pool;
    std::vector<ActionsRef> kept;
    auto text = [](int i) { return "mod_dl_src:00:00:00:00:00:0" + std::to_string(i % 10); };
    for (int i = 0; i < 10; ++i) kept.push_back(pool.share(actions(text(i))));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(*kept[static_cast<size_t>(i)], actions(text(i)));
    // Those of the chain are found again, and each can leave it: the head, the last, one between.
    for (size_t gone : {0u, 7u, 3u}) {
        EXPECT_EQ(pool.share(actions(text(static_cast<int>(gone)))).get(), kept[gone].get());
        kept[gone] = ActionsRef();
        for (size_t i = 1; i < 7; ++i) {
            if (kept[i].get()) EXPECT_EQ(pool.share(actions(text(static_cast<int>(i)))).get(), kept[i].get());
        }
    }
}

TEST(ActionPool, ListsOutliveIt) {
    auto pool = std::make_unique<ActionPool>();
    ActionsRef kept = pool->share(actions("output:1"));
    ActionsRef same_hash = pool->share(actions("mod_dl_src:00:00:00:00:00:01"));
    ActionsRef other = pool->share(actions("mod_dl_src:00:00:00:00:00:02"));
    pool.reset();
    EXPECT_EQ(*kept, actions("output:1"));
    EXPECT_EQ(*other, actions("mod_dl_src:00:00:00:00:00:02"));
}

TEST(ActionPool, RandomHistories) {
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ActionPool pool;
    std::vector<std::pair<std::string, ActionsRef>> kept(200);
    for (int i = 0; i < 5000; ++i) {
        auto& [text, ref] = kept[random() % kept.size()];
        ref = ActionsRef();
        if (random() % 3 == 0) continue;
        text = random() % 2 ? "output:" + std::to_string(1 + random() % 50)
                            : "mod_dl_dst:00:00:00:00:00:" + std::to_string(10 + random() % 40);
        ref = pool.share(actions(text));
    }
    for (auto& [text, ref] : kept) {
        if (ref.get()) EXPECT_EQ(*ref, actions(text));
    }
    kept.clear();
    EXPECT_EQ(pool.size(), 0u);
}

}  // namespace
}  // namespace weft::vswitch
