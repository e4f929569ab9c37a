// The difference between two flow keys as datapath actions.
//
// Translation of OpenFlow changes a Flow as it goes.  Before an output the datapath's packet must be made to
// look like that Flow: compose_difference() appends the pushes, pops and sets that lead from `from` to `to`
// and makes `from` equal to `to` in what it covers.  A field that has the wanted value already costs no
// action.
//
// `mask` is the megaflow's.  The same actions must be right for every packet that it covers, so a field that
// is set is added to it: the bits that are there already and those that change, all of it if there were none.
// The caller must have marked every field that its actions wrote (also those which had that value before).

#pragma once

#include "datapath/api/action.h"

namespace weft::datapath {

// Of `from` and `to`: packet type, Ethernet, VLANs, MPLS, L3, L4, pkt_mark and skb_priority.  The tunnel key
// is not part of it: see tunnel_action().
void compose_difference(packet::Flow& from, const packet::Flow& to, Actions& actions, packet::Flow& mask);

// The set(tunnel(...)) for a flow's tunnel key, whose `metadata` holds raw Geneve options (datapath.h).
SetTunnel tunnel_action(const packet::Tunnel& tunnel);

}  // namespace weft::datapath
