// Packet to flow key.
//
// Reads any bytes at all: a header that is cut short or lies about its length ends the walk, and the fields
// from there on stay zero, as a match on them then fails (ovs-fields(7)).  Only the packet's own fields are
// filled; those of the switch (in_port, tunnel, metadata, registers, conntrack, recirc_id) are left as they
// were in the flow that is passed, so that a caller may set them before or after.

#pragma once

#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::packet {

// Where the headers lie, as offsets from the packet's first byte; 0: there is none (the Ethernet header has
// no entry: it is at 0 when there is one).
struct Layout {
    uint16_t l2_5 = 0;     // first MPLS label
    uint16_t l3 = 0;       // IP, ARP or NSH header
    uint16_t l4 = 0;       // transport header: present also in later fragments, where it is payload
    uint16_t payload = 0;  // after a complete transport header
    uint16_t l3_end = 0;   // end of the IP packet by its own length field: what follows is padding
};

// `packet_type` of `flow` must be set (0: Ethernet).
Layout extract(ByteView packet, Flow& flow);
// The same behind up to `tags` VLAN tags, of which `flow` shows the first kMaxVlans.
Layout extract(ByteView packet, Flow& flow, size_t tags);
inline Layout extract(const Packet& packet, Flow& flow) {
    return extract(packet.view(), flow);
}

// Zeroes the fields of the switch, which extract() leaves as they were.
void clear_switch_fields(Flow& flow);

// How many VLAN tags extract() looks behind (at most kMaxVlans, 1 until told otherwise), for the whole
// process: other_config:vlan-limit of ovs-vswitchd.conf.db(5).  The Ethertype of a packet with more is that
// of a tag.
void set_vlan_limit(size_t tags);
size_t vlan_limit();

// A hash of the 5-tuple (or of the addresses, or of the Ethernet header: what there is), never 0.
uint32_t flow_hash(const Flow& flow, uint32_t basis);
// The same for both directions of a connection.
uint32_t flow_hash_symmetric(const Flow& flow, uint32_t basis);

}  // namespace weft::packet
