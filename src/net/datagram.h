// UDP to collectors: what is sent goes to each of a set of targets, and is lost if one does not take it.
//
// Targets are "IP:PORT" with numeric addresses, IPv6 in brackets.  Sending never waits; a datagram that the
// kernel refuses is counted, and the next is tried again.  Not thread-safe.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace weft::net {

class Datagrams {
  public:
    Datagrams() = default;
    ~Datagrams();
    Datagrams(const Datagrams&) = delete;
    Datagrams& operator=(const Datagrams&) = delete;

    // Replaces the targets; "IP" alone has `default_port` (0: the port is required).  Those that cannot be
    // used are left out, with a line each in `problems`.
    void set_targets(std::vector<std::string> targets, uint16_t default_port,
                     std::vector<std::string>& problems);
    const std::vector<std::string>& targets() const { return targets_; }
    bool empty() const { return sockets_.empty(); }

    // Of this host, on the way to the first target: 4 or 16 bytes, or none.
    Bytes local_address() const;

    struct Outcome {
        size_t sent = 0, failed = 0;  // targets
    };
    Outcome send(ByteView datagram);

  private:
    void close_all();

    std::vector<std::string> targets_;
    std::vector<int> sockets_;  // connected
};

}  // namespace weft::net
