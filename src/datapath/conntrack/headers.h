// From a packet to the tuple and the segment that tracking works on.
//
// Lengths, checksums and types are verified here: what lies about itself has no tuple, and its packet is
// invalid.  Checksums that a device left partial, or has verified, are believed.

#pragma once

#include <cstdint>
#include <optional>

#include "datapath/conntrack/tcp_tracking.h"
#include "datapath/conntrack/tuple.h"
#include "packet/extract.h"

namespace weft::datapath::conntrack {

struct Headers {
    Tuple tuple;
    TcpSegment tcp;               // if it is TCP
    bool may_begin_icmp = false;  // a request
    std::optional<Tuple> quoted;  // ICMP errors: the tuple of the packet that is reported, as it was sent
    size_t quoted_ip = 0;         // and where in the packet its IP header and transport header lie
    size_t quoted_transport = 0;
};

// nullopt: not a packet that can be tracked.  Not for fragments.
std::optional<Headers> read_headers(const packet::Packet& packet, const packet::Layout& layout,
                                    const packet::Flow& key, uint16_t zone);

}  // namespace weft::datapath::conntrack
