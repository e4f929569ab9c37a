// Something in front of the tracker that sees packets of established connections first and can do for them
// what the tracker would: the programs of the eBPF datapath.
//
// The tracker's table is the only one.  It offers connections that are established, takes them back when they
// change in a way that the other does not know, and asks what has happened before it relies on a connection's
// time or sequence numbers.  Whatever is not offered, or not taken, comes to the tracker packet by packet.

#pragma once

#include <cstdint>

#include "datapath/conntrack/connection.h"

namespace weft::datapath::conntrack {

class Accelerator {
  public:
    virtual ~Accelerator() = default;

    // The connection goes on as it is: TCP with both ends established, UDP or ICMP answered, or UDP that had
    // its second packet and no answer, which is new until it has one.  It may have been
    // offered before, and has then changed (mark, label, time-out, sequence numbers, which only grow);
    // packets that pass meanwhile are not forgotten.  Sets connection.accelerated if it is taken.
    struct Terms {
        bool used = false;            // a packet has just passed
        uint32_t timeout_s = 0;       // without packets it is over
        bool check_sequences = true;  // of TCP
    };
    virtual void put(Connection& connection, const Terms& terms) = 0;
    // Brings TCP's sequence numbers up to date.  Returns when the last packet passed
    // (clock::monotonic_ms()).
    virtual int64_t read(Connection& connection) = 0;
    // Its packets come to the tracker from now on.  Clears connection.accelerated.
    virtual void remove(Connection& connection) = 0;
};

}  // namespace weft::datapath::conntrack
