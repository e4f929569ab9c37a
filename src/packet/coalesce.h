// The opposite of segmentation: consecutive TCP segments of one connection joined to a super-packet, as a
// device's receive offload does, so that what comes out of a tunnel crosses the switch, and enters the
// virtual machine, as one.
//
// Only what segment() would give back is joined: same headers, sequence numbers that follow, full segments
// but the last, no flags but ACK, and PSH or FIN on the last; every checksum is verified.

#pragma once

#include "packet/packet.h"

namespace weft::packet {

class Coalescer {
  public:
    // Takes `frame` as the first segment; false: it is not one that others could be joined to (it is kept
    // anyway).
    bool start(ByteView frame);
    // True if `frame` was joined.
    bool append(ByteView frame);
    // The packet so far, with its offloads; nothing is open afterwards.
    Packet finish();
    bool empty() const { return !holding_; }

  private:
    struct Segment {
        size_t l3, l4, payload;
        bool v6;
        uint32_t sequence;
        uint16_t flags;
    };
    static bool parse(ByteView frame, Segment& out);
    bool follows(ByteView frame, const Segment& segment) const;

    Bytes buffer_;  // headroom, then the packet
    Segment first_ = {};
    size_t size_ = 0;  // of every segment's payload but the last
    size_t count_ = 0;
    uint32_t next_sequence_ = 0;
    uint16_t last_flags_ = 0;
    bool holding_ = false, open_ = false;
};

}  // namespace weft::packet
