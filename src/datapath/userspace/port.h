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

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "datapath/api/datapath.h"
#include "datapath/userspace/counter.h"
#include "datapath/userspace/executor.h"

namespace weft::datapath {

inline constexpr size_t kBatch = 128;  // packets read from a port before others get their turn

// What a port says of a packet that it has received.
struct Received {
    packet::Packet packet;
    std::optional<packet::Tunnel> tunnel;  // tunnel ports alone: the header that the packet came in
    uint32_t packet_type = 0;              // 0: Ethernet
};

class PacketSink {
  public:
    virtual ~PacketSink() = default;
    virtual void received(PortNo port, std::vector<Received>& packets) = 0;  // on the switch's thread
    virtual void dropped(explain::DropReason reason) = 0;                    // on any thread
};

// Packets that wait to be taken in.
class ReceiveQueue {
  public:
    virtual ~ReceiveQueue() = default;
    virtual void take(std::vector<Received>& batch) = 0;  // kBatch of them at most, to an empty batch
    virtual int fd() const = 0;                           // can be read from while there are any
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
