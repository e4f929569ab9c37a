// Takes packets from a port's queue on the loop's thread, whenever there are any.

#pragma once

#include <memory>
#include <vector>

#include "datapath/userspace/packet_poller.h"
#include "datapath/userspace/port.h"
#include "net/loop.h"

namespace weft::datapath {

class QueueWatch final : private PacketPoller::Source {
  public:
    // All of them must outlive it; `port` is what `sink` is told.
    QueueWatch(net::Loop& loop, PacketPoller& poller, ReceiveQueue& queue, PortNo port, PacketSink& sink)
        : poller_(poller), queue_(queue), port_(port), sink_(sink) {
        watch_ = loop.watch(queue.fd(), net::Loop::kRead, [this](unsigned) {
            const uint64_t before = taken_;
            poller_.run(*this);
            if (taken_ == before) queue_.clear_error();
        });
    }
    ~QueueWatch() override { poller_.remove(*this); }

  private:
    size_t poll() override {
        size_t count = 0;
        bool more = false;
        for (unsigned n = 1; n == 1 || more; ++n) {
            batch_.clear();
            queue_.take(batch_);
            count += batch_.size();
            bool waited_for = more;
            more = batch_.size() == kBatch && n < kBatchesAtOnce;
            if (!batch_.empty() || waited_for) sink_.received(port_, batch_, more);
        }
        taken_ += count;
        return count;
    }

    PacketPoller& poller_;
    ReceiveQueue& queue_;
    const PortNo port_;
    PacketSink& sink_;
    std::vector<Received> batch_;
    uint64_t taken_ = 0;  // packets
    std::unique_ptr<net::Loop::Watch> watch_;
};

}  // namespace weft::datapath
