#include "datapath/userspace/upcall_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace weft::datapath {
namespace {

UpcallQueue::Item item(uint32_t mark) {
    UpcallQueue::Item out;
    out.upcall.key.pkt_mark = mark;
    return out;
}

bool readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return poll(&ready, 1, 0) == 1;
}

TEST(UpcallQueue, PortsTakeTurnsAndKeepTheirOrder) {
    UpcallQueue queue;
    EXPECT_FALSE(readable(queue.fd()));
    for (uint32_t i = 0; i < 3; i++) EXPECT_TRUE(queue.push(5, item(50 + i)));
    EXPECT_TRUE(queue.push(7, item(70)));
    EXPECT_TRUE(queue.push(1, item(10)));
    EXPECT_TRUE(readable(queue.fd()));
    std::vector<uint32_t> marks;
    for (auto& one : queue.take(2)) marks.push_back(one.upcall.key.pkt_mark);
    EXPECT_TRUE(readable(queue.fd()));
    for (auto& one : queue.take(100)) marks.push_back(one.upcall.key.pkt_mark);
    EXPECT_EQ(marks, (std::vector<uint32_t>{10, 50, 70, 51, 52}));
    EXPECT_FALSE(readable(queue.fd()));
}

TEST(UpcallQueue, APortsShareIsBounded) {
    UpcallQueue queue;
    for (size_t i = 0; i < UpcallQueue::kPerPort; i++) EXPECT_TRUE(queue.push(1, item(0)));
    EXPECT_FALSE(queue.push(1, item(0)));
    EXPECT_TRUE(queue.push(2, item(0)));
}

}  // namespace
}  // namespace weft::datapath
