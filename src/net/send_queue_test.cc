#include "net/send_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::net {
namespace {

std::string all_of(const SendQueue& queue) {
    iovec vectors[1000];
    int count = queue.gather(vectors, 1000);
    std::string out;
    for (int i = 0; i < count; ++i)
        out.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
    return out;
}

TEST(SendQueue, BytesLeaveAsTheyCame) {
    std::mt19937 random(7);
    auto shared = std::make_shared<const std::string>(50000, 's');
    SendQueue queue;
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
        switch (random() % 3) {
            case 0: {
                std::string own(random() % 9000, static_cast<char>('a' + i % 26));
                queue.push(own);
                expected += own;
                break;
            }
            case 1:
                if (random() % 10) break;
                queue.push(shared);
                expected += *shared;
                break;
            default: {
                size_t n = std::min<size_t>(random() % 20000, queue.size());
                queue.pop(n);
                expected.erase(0, n);
            }
        }
        ASSERT_EQ(queue.size(), expected.size());
        ASSERT_EQ(queue.empty(), expected.empty());
        ASSERT_EQ(queue.front(), expected.substr(0, queue.front().size()));
        ASSERT_EQ(queue.front().empty(), expected.empty());
    }
    EXPECT_EQ(all_of(queue), expected.substr(0, all_of(queue).size()));
    queue.clear();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.front(), "");
}

TEST(SendQueue, SharedTextsAreKeptOnce) {
    auto text = std::make_shared<const std::string>(1000, 'x');
    SendQueue a, b;
    a.push(text);
    b.push(text);
    EXPECT_EQ(text.use_count(), 3);
    EXPECT_EQ(a.front().data(), text->data());
    a.pop(999);
    EXPECT_EQ(text.use_count(), 3);
    a.pop(1);
    EXPECT_EQ(text.use_count(), 2);
}

}  // namespace
}  // namespace weft::net
