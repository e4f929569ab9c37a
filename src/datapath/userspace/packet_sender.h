// Sends frames by an AF_PACKET socket: many with one system call, datagrams of a flow that leave together as
// one super-packet (packet/datagram_train.h), with the offloads that they came with.
//
// For one thread.  The queue that a packet was put into is the socket's priority while it is sent
// (netdev/qos.h), so threads that send by one device have a socket each.

#pragma once

#include <array>
#include <optional>
#include <vector>

#include "datapath/userspace/port.h"
#include "packet/datagram_train.h"

namespace weft::datapath {

class PacketSender {
  public:
    // `fd` must outlive it.
    PacketSender(int fd, PacketSink& sink) : fd_(fd), sink_(sink) {}

    void send(Work&& work);
    void flush();
    const PortCounters& counters() const { return counters_; }

  private:
    struct Queued {
        packet::DatagramTrain train;  // of one, mostly
        uint32_t priority;
    };
    bool join(const Work& work);
    void set_priority(uint32_t queue);
    size_t send_some(size_t first, size_t count);
    void failed(packet::DatagramTrain& train, int error);

    const int fd_;
    PacketSink& sink_;
    PortCounters counters_;
    std::vector<Queued> queue_;
    // The latest train of a flow, that later datagrams may be joined to, by a hash of the flow: its place in
    // queue_, counted from 1.
    std::array<uint16_t, 128> trains_ = {};
    bool joins_ = true;                                  // the kernel takes super-packets of UDP
    std::optional<packet::DatagramTrain::Shape> shape_;  // of the packet that is being sent
    uint32_t priority_ = 0;                              // the socket's
};

}  // namespace weft::datapath
