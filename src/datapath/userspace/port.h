// A port of the userspace datapath: where packets come from and go to.
//
// Packets come by the port's queues, from which the datapath takes batches, or, from ports that have none, by
// PacketSink::received() on the switch's thread.  The datapath calls send() for every packet and flush() at
// the end of a batch, so that a port may hand the kernel many at once.
//
// Several threads may send by a port at the same time: each says which it is, its lane (lane.h).  One thread
// at a time takes from a queue.  Everything else is called by the switch's thread while no other is at the
// port.

#pragma once

#include <sys/socket.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "datapath/api/datapath.h"
#include "datapath/userspace/counter.h"
#include "datapath/userspace/executor.h"

namespace weft::datapath {

inline constexpr size_t kBatch = 128;  // packets that are read from a port at once
// Where so many wait, how many batches are read before what they send goes out and others get their turn: the
// more leaves together, the more of it is of one flow (packet/datagram_train.h).
inline constexpr unsigned kBatchesAtOnce = 4;

// What a port says of a packet that it has received.
struct Received {
    packet::Packet packet;
    std::optional<packet::Tunnel> tunnel;  // tunnel ports alone: the header that the packet came in
    uint32_t packet_type = 0;              // 0: Ethernet
};

class PacketSink {
  public:
    virtual ~PacketSink() = default;
    // On the switch's thread.  `more`: another call follows at once, and what these packets send may wait for
    // it.
    virtual void received(PortNo port, std::vector<Received>& packets, bool more) = 0;
    void received(PortNo port, std::vector<Received>& packets) { received(port, packets, false); }
    virtual void dropped(explain::DropReason reason) = 0;  // on any thread
};

// Packets that wait to be taken in.
class ReceiveQueue {
  public:
    virtual ~ReceiveQueue() = default;
    virtual void take(std::vector<Received>& batch) = 0;  // kBatch of them at most, to an empty batch
    virtual int fd() const = 0;                           // can be read from while there are any
    // To be called when it could be read from and had no packets: an error of its socket, as when the device
    // goes down, counts as ready until somebody has asked for it.
    void clear_error() const {
        int error = 0;
        socklen_t size = sizeof error;
        (void)getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
};

class Port {
  public:
    explicit Port(PortInfo info) : info_(std::move(info)) {}
    virtual ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    const PortInfo& info() const { return info_; }
    // By the switch's thread, while others may be at work.
    virtual PortStats stats() const {
        PortStats out;
        counters_.add_to(out);
        return out;
    }
    // They live as long as the port.
    virtual std::vector<ReceiveQueue*> queues() { return {}; }
    // Lanes from 0 up to `count` may send.
    virtual void set_lanes(unsigned count) { (void)count; }
    // The packet, its hash and, for tunnels, where to: work.key.tunnel.
    virtual void send(Work&& work, unsigned lane) = 0;
    virtual void flush(unsigned lane) { (void)lane; }
    // Does somebody capture this port's packets?
    virtual bool watched() { return false; }
    // A packet that has come in by the port past it, taken from the wire by something in front.
    virtual void seen(const packet::Packet&) {}
    // The port was deleted by the user: what lives beyond the process is removed too.
    virtual void remove() {}

  protected:
    PortInfo info_;
    PortCounters counters_;  // of ports that have none for each thread
};

}  // namespace weft::datapath
