// The transport message of a frame that a responder answers: found behind whatever headers there are, and put
// back changed with every length and checksum of those headers right.
//
// A message counts only if it is there whole by its own length and by that of its IP header: what a frame has
// behind it is padding and does not come back.  Fragments have none.

#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::controller {

struct Datagram {
    ByteView frame;
    packet::Flow flow;  // of the frame
    packet::Layout layout;
    bool v6 = false;
    ByteView payload;  // behind the UDP header

    // The frame with this payload instead.  The UDP checksum is left out of IPv4 packets (RFC 768 allows
    // that), and computed in IPv6 packets.
    Bytes with_payload(ByteView changed) const;
    // The same, to another IPv4 address (host order).
    Bytes with_payload_to(uint32_t ip_dst, ByteView changed) const;
};

// The UDP datagram in `frame`; nullopt if there is none, or not all of it.
std::optional<Datagram> find_datagram(ByteView frame);

// `frame`, whose ICMPv6 message is replaced by this one: its checksum field is filled in.  Empty if it is no
// ICMPv6 packet.
Bytes replace_icmp6(ByteView frame, ByteView message);

// A packet that the controller made, Ethernet in front: IPv4 gets the flag "don't fragment", as all that it
// makes has.
packet::Packet dont_fragment(packet::Packet made);

}  // namespace weft::controller
