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
        watch_ = loop.watch(queue.fd(), net::Loop::kRead, [this](unsigned) { poller_.run(*this); });
    }
    ~QueueWatch() override { poller_.remove(*this); }

  private:
    size_t poll() override {
        batch_.clear();
        queue_.take(batch_);
        size_t count = batch_.size();
        if (count) sink_.received(port_, batch_);
        return count;
    }

    PacketPoller& poller_;
    ReceiveQueue& queue_;
    const PortNo port_;
    PacketSink& sink_;
    std::vector<Received> batch_;
    std::unique_ptr<net::Loop::Watch> watch_;
};

}  // namespace weft::datapath
