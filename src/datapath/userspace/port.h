// A port of the userspace datapath: where packets come from and go to.
//
// A port calls PacketSink::received() with batches; the datapath calls send() for every packet and flush() at
// the end of a batch, so that a port may hand the kernel many at once.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "datapath/api/datapath.h"
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
    virtual void received(PortNo port, std::vector<Received>& packets) = 0;
    virtual void dropped(explain::DropReason reason) = 0;
};

class Port {
  public:
    explicit Port(PortInfo info) : info_(std::move(info)) {}
    virtual ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    const PortInfo& info() const { return info_; }
    const PortStats& stats() const { return stats_; }
    // The packet, its hash and, for tunnels, where to: work.key.tunnel.
    virtual void send(Work&& work) = 0;
    virtual void flush() {}
    // Does somebody capture this port's packets?
    virtual bool watched() { return false; }
    // A packet that has come in by the port past it, taken from the wire by something in front.
    virtual void seen(const packet::Packet&) {}
    // The port was deleted by the user: what lives beyond the process is removed too.
    virtual void remove() {}

  protected:
    PortInfo info_;
    PortStats stats_;
};

}  // namespace weft::datapath
