#include "datapath/userspace/queue_spread.h"

#include <gtest/gtest.h>

namespace weft::datapath {
namespace {

constexpr size_t kNone = SpreadQueues::kNone;

SpreadQueues spread(QueueSpread how, std::vector<unsigned> processors,
                    const std::vector<QueueToSpread>& queues, bool isolate = true) {
    PacketThreadSettings settings;
    settings.processors = std::move(processors);
    settings.spread = how;
    settings.isolate = isolate;
    return spread_queues(settings, queues);
}

using Places = std::vector<size_t>;

TEST(QueueSpread, ToAndFroByTheirCycles) {
    std::vector<QueueToSpread> queues = {{10}, {40}, {30}, {20}, {5}};
    EXPECT_EQ(spread(QueueSpread::kCycles, {2, 3}, queues).thread, (Places{0, 0, 1, 1, 0}));
    EXPECT_EQ(spread(QueueSpread::kRoundRobin, {2, 3}, queues).thread, (Places{0, 1, 0, 1, 0}));
    EXPECT_EQ(spread(QueueSpread::kGroup, {2, 3}, {{50}, {10}, {10}, {10}, {10}}).thread,
              (Places{0, 1, 1, 1, 1}));
    EXPECT_EQ(spread(QueueSpread::kGroup, {2, 3}, {{0}, {0}, {0}}).thread, (Places{0, 1, 0}));
    EXPECT_EQ(spread(QueueSpread::kCycles, {}, queues).thread, Places(5, kNone));
}

TEST(QueueSpread, PinnedQueuesIsolate) {
    SpreadQueues out = spread(QueueSpread::kCycles, {2, 3}, {{0, 3}, {0}, {0}});
    EXPECT_EQ(out.thread, (Places{1, 0, 0}));
    EXPECT_EQ(out.isolated, (std::vector<bool>{false, true}));
    out = spread(QueueSpread::kGroup, {2, 3}, {{9, 3}, {1}, {1}, {1}}, false);
    EXPECT_EQ(out.thread, (Places{1, 0, 0, 0}));
    EXPECT_EQ(out.isolated, (std::vector<bool>{false, false}));
    out = spread(QueueSpread::kCycles, {2}, {{0, 2}, {0}});
    EXPECT_EQ(out.thread, (Places{0, kNone}));
    out = spread(QueueSpread::kCycles, {2, 3}, {{0, 7}, {0}});
    EXPECT_EQ(out.thread, (Places{0, 1}));
    EXPECT_EQ(out.pinned_elsewhere, (std::vector<size_t>{0}));
}

}  // namespace
}  // namespace weft::datapath
