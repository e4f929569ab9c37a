#include "packet/sparse_flow.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::packet {
namespace {

TEST(SparseFlow, ExpandsToWhatItWasMadeOf) {
    EXPECT_EQ(SparseFlow().expand(), zero_flow());
    EXPECT_EQ(SparseFlow(zero_flow()).expand(), zero_flow());
    Flow ones;
    std::memset(static_cast<void*>(&ones), 0xff, sizeof ones);
    EXPECT_EQ(SparseFlow(ones).expand(), ones);
    uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int i = 0; i < 1000; ++i) {
        Flow flow = zero_flow();
        for (uint64_t n = random() % 20; n > 0; --n) words(flow)[random() % kFlowWords] = random();
        EXPECT_EQ(SparseFlow(flow).expand(), flow);
    }
    // The first and the last word, and those about the border of the bitmap's halves.
    for (size_t word : {size_t{0}, size_t{63}, size_t{64}, kFlowWords - 1}) {
        Flow flow = zero_flow();
        words(flow)[word] = 1;
        EXPECT_EQ(SparseFlow(flow).expand(), flow) << word;
    }
}

}  // namespace
}  // namespace weft::packet
