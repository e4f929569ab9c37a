// What a queue's packets are handed on as: whole batches together, and an error of its socket once.

#include "datapath/userspace/queue_watch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weft::datapath {

namespace {

// Has `waiting` packets, and a socket that can be read from.
class TestQueue final : public ReceiveQueue {
  public:
    TestQueue() {
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
        EXPECT_EQ(write(ends_[1], "x", 1), 1);
    }
    ~TestQueue() override {
        close(ends_[0]);
        if (ends_[1] >= 0) close(ends_[1]);
    }
    void take(std::vector<Received>& batch) override {
        size_t count = std::min(waiting, kBatch);
        for (size_t i = 0; i < count; i++) batch.emplace_back();
        waiting -= count;
    }
    int fd() const override { return ends_[0]; }
    // The other end goes with what was sent to it unread: an error (ECONNRESET) of this one.
    void break_off() {
        EXPECT_EQ(write(ends_[0], "x", 1), 1);
        close(std::exchange(ends_[1], -1));
    }

    size_t waiting = 0;

  private:
    int ends_[2] = {-1, -1};
};

struct Call {
    size_t packets;
    bool more;
    bool operator==(const Call&) const = default;
};

class TestSink final : public PacketSink {
  public:
    void received(PortNo, std::vector<Received>& packets, bool more) override {
        calls.push_back({packets.size(), more});
    }
    void dropped(explain::DropReason) override {}

    std::vector<Call> calls;
};

std::vector<Call> calls_for(size_t packets) {
    net::Loop loop;
    PacketPoller poller;
    TestQueue queue;
    TestSink sink;
    QueueWatch watch(loop, poller, queue, 1, sink);
    queue.waiting = packets;
    loop.run_once(1000);
    EXPECT_EQ(queue.waiting, 0u);
    return sink.calls;
}

}  // namespace

TEST(QueueWatchTest, BatchesThatWaitAreHandedOnTogether) {
    using Calls = std::vector<Call>;
    EXPECT_EQ(calls_for(5), (Calls{{5, false}}));
    EXPECT_EQ(calls_for(kBatch + 5), (Calls{{kBatch, true}, {5, false}}));
    EXPECT_EQ(calls_for(kBatch), (Calls{{kBatch, true}, {0, false}}))
        << "what waits for more is told of the end";
    EXPECT_EQ(
        calls_for(5 * kBatch + 5),
        (Calls{{kBatch, true}, {kBatch, true}, {kBatch, true}, {kBatch, false}, {kBatch, true}, {5, false}}));
}

TEST(QueueWatchTest, AnErrorOfTheSocketIsAskedFor) {
    net::Loop loop;
    PacketPoller poller;
    TestQueue queue;
    TestSink sink;
    QueueWatch watch(loop, poller, queue, 1, sink);
    queue.break_off();
    loop.run_once(1000);
    int error = -1;
    socklen_t size = sizeof error;
    ASSERT_EQ(getsockopt(queue.fd(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, 0) << "somebody has asked for it";
    EXPECT_TRUE(sink.calls.empty());
}

}  // namespace weft::datapath
