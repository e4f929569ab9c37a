#include "switch/bridge/thread_settings.h"

#include <gtest/gtest.h>

namespace weft::vswitch {
namespace {

using datapath::PacketThreadSettings;
using datapath::QueueSpread;

PacketThreadSettings parse(const std::vector<std::pair<std::string, std::string>>& pairs,
                           size_t warnings = 0) {
    ovsdb::StringMap map;
    for (const auto& [key, value] : pairs) map.set(key, value);
    std::vector<std::string> lines;
    PacketThreadSettings out = parse_thread_settings(map, lines);
    EXPECT_EQ(lines.size(), warnings) << (lines.empty() ? "" : lines[0]);
    return out;
}

TEST(ThreadSettings, Masks) {
    EXPECT_TRUE(parse({}).processors.empty());
    EXPECT_EQ(parse({{"pmd-cpu-mask", "0x5"}}).processors, (std::vector<unsigned>{0, 2}));
    EXPECT_EQ(parse({{"pmd-cpu-mask", "80"}}).processors, (std::vector<unsigned>{7}));
    EXPECT_EQ(parse({{"pmd-cpu-mask", "0X10000000000000001"}}).processors, (std::vector<unsigned>{0, 64}));
    EXPECT_TRUE(parse({{"pmd-cpu-mask", "0"}}).processors.empty());
    EXPECT_TRUE(parse({{"pmd-cpu-mask", "zz"}}, 1).processors.empty());
}

TEST(ThreadSettings, SpreadAndSleep) {
    EXPECT_EQ(parse({}).spread, QueueSpread::kCycles);
    EXPECT_EQ(parse({{"pmd-rxq-assign", "roundrobin"}}).spread, QueueSpread::kRoundRobin);
    EXPECT_EQ(parse({{"pmd-rxq-assign", "best"}}, 1).spread, QueueSpread::kCycles);
    EXPECT_TRUE(parse({{"pmd-rxq-isolate", "false"}}, 1).isolate);
    EXPECT_FALSE(parse({{"pmd-rxq-isolate", "false"}, {"pmd-rxq-assign", "group"}}).isolate);
    EXPECT_EQ(parse({}).max_sleep_us, std::nullopt);
    EXPECT_EQ(parse({{"pmd-maxsleep", "0"}}).max_sleep_us, 0u);
    EXPECT_EQ(parse({{"pmd-maxsleep", "9"}, {"pmd-sleep-max", "50"}}).max_sleep_us, 50u);
    EXPECT_EQ(parse({{"pmd-sleep-max", "10001"}}, 1).max_sleep_us, std::nullopt);
}

TEST(ThreadSettings, Affinity) {
    using Map = std::map<unsigned, unsigned>;
    EXPECT_EQ(*parse_queue_affinity(""), Map());
    EXPECT_EQ(*parse_queue_affinity("0:3,1:7"), (Map{{0, 3}, {1, 7}}));
    for (const char* bad : {"0", "0:", ":1", "0-1", "0:1,,1:2", "a:1", "0:1 ,1:2"})
        EXPECT_FALSE(parse_queue_affinity(bad).ok()) << bad;
}

}  // namespace
}  // namespace weft::vswitch
