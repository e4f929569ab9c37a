// A TCP stream in which a translator made some text longer or shorter: from there on sequence numbers differ
// on both sides of it (RFC 2663 section 4.3 calls for it; SACK blocks after RFC 2018).

#pragma once

#include "packet/extract.h"
#include "packet/packet.h"

namespace weft::datapath::conntrack {

// Of the bytes that one end sends.
struct SequenceShift {
    uint32_t position = 0;        // numbers up to here are shifted by `before`, those behind it by `now`
    int32_t before = 0, now = 0;  // added on the way to the other end
    bool any() const { return before || now; }

    uint32_t forth(uint32_t sequence) const;
    uint32_t back(uint32_t acknowledgment) const;
    // The segment at `sequence` (the sender's number) grew by `by`.
    void grow(uint32_t sequence, int32_t by);
};

// In a TCP packet, checksum kept right.  The sequence number, by the sender's shift.
void shift_sequence(packet::Packet& packet, const packet::Layout& layout, const SequenceShift& sender);
// The acknowledgment number and SACK blocks, back to what the receiver of the packet has sent.
void shift_acknowledgment(packet::Packet& packet, const packet::Layout& layout,
                          const SequenceShift& receiver);

// Puts `text` in the place of `size` bytes at `at` of a TCP packet's payload; lengths and checksums follow.
// False if the packet cannot carry it.
bool replace_payload(packet::Packet& packet, packet::Layout& layout, size_t at, size_t size,
                     std::string_view text);

}  // namespace weft::datapath::conntrack
