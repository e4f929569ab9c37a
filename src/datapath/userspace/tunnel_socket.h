// The sockets of tunnel ports: where encapsulated packets come in and go out, on the host's own addresses.

#pragma once

#include <sys/socket.h>

#include <string_view>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "datapath/api/datapath.h"

namespace weft::datapath {

// Receives what comes in for `info`: a UDP socket bound to its port, or a raw socket for GRE.  The outer
// header's addresses, TOS and TTL come as control messages; UDP datagrams that belong together may come as
// one (UDP_GRO).
Result<Descriptor> open_tunnel_receiver(const PortInfo& info, bool v6);
// Sends from UDP port `src_port` (0: one that the kernel chooses), or raw for GRE.  It never receives.
Result<Descriptor> open_tunnel_sender(const PortInfo& info, bool v6, uint16_t src_port);

// What the kernel says of a received message: fills addresses, ports, TOS and TTL of `key`.  Returns the size
// of the datagrams that were joined, 0 if it is one.
size_t read_control(msghdr& message, bool v6, packet::Tunnel& key);

// The control messages and address of one message to send.
class SendControl {
  public:
    // `segment`: the message is a train of datagrams of this size; 0: it is one.
    void fill(msghdr& message, const packet::Tunnel& key, bool v6, uint16_t dst_port, size_t segment);

  private:
    template <typename T>
    void add(msghdr& message, int level, int type, const T& value);

    alignas(8) uint8_t bytes_[160];
    sockaddr_storage to_;
};

// The bytes of an IP packet that the host's route to the key's destination takes whole; 0: there is no route.
size_t path_mtu(const packet::Tunnel& key, bool v6);

}  // namespace weft::datapath
