// AF_PACKET sockets on a device (packet(7)), as system ports have them: for receiving, with a ring where the
// kernel has it (receive_ring.h), and for sending.

#pragma once

#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "datapath/userspace/port.h"
#include "datapath/userspace/receive_ring.h"

namespace weft::datapath {

// Never receives.
Result<Descriptor> open_sending_socket(const std::string& device, int ifindex);

// Receives every frame that arrives, but not what is sent on the device; it can send, too.
class PacketReceiver final : public ReceiveQueue {
  public:
    static Result<PacketReceiver> open(const std::string& device, int ifindex);
    // Several that share what arrives: a flow's packets come by one of them (PACKET_FANOUT).
    static Result<std::vector<PacketReceiver>> open(const std::string& device, int ifindex, unsigned count);

    void take(std::vector<Received>& batch) override;
    int fd() const override { return fd_.get(); }
    const PortCounters& counters() const { return counters_; }

  private:
    void take_from_ring(std::vector<Received>& batch);
    void take_from_socket(std::vector<Received>& batch);
    void keep(packet::Packet packet, std::vector<Received>& batch);
    Result<void> join(const std::string& device, uint16_t& group);

    Descriptor fd_;
    ReceiveRing ring_;  // none: the socket is read
    PortCounters counters_;
};

}  // namespace weft::datapath
