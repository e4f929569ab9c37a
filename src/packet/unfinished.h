// Frames that came out of a tunnel as their sender left them to a device: a TCP or UDP checksum that is the
// pseudo header's sum alone, a TCP super-packet that nobody has cut.
//
// Between two namespaces no device finishes them, and a socket that receives the outer packet is not told.
// The checksum itself tells: a finished one that happens to be the pseudo header's sum comes out the same
// when it is computed once more, so nothing that is whole is changed.

#pragma once

#include "packet/packet.h"

namespace weft::packet {

// Sets the offload of a packet that is one of those: true.  Segments of TCP get small enough for any path
// (1280 bytes, RFC 8200 section 5), since the sender's size is not known.  UDP super-packets cannot be told
// from datagrams that are large.
bool mark_unfinished(Packet& packet);

}  // namespace weft::packet
