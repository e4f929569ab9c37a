// The difference between two flow keys as datapath actions.
//
// Translation of OpenFlow changes a Flow as it goes.  Before an output the datapath's packet must be made to
// look like that Flow: compose_difference() appends the pushes, pops and sets that lead from `from` to `to`,
// updates `from` to `to`, and marks in `mask` the fields that the megaflow must match so that the same
// actions are right for every packet that it covers (a field that is overwritten whole is compared anyway:
// the action is left out when the packet has that value already).

#pragma once

#include "datapath/api/action.h"

namespace weft::datapath {

// Of `from` and `to`: packet type, Ethernet, VLANs, MPLS, L3, L4, pkt_mark and skb_priority.  The tunnel key
// is not part of it: see tunnel_action().
void compose_difference(packet::Flow& from, const packet::Flow& to, Actions& actions, packet::Flow& mask);

// The set(tunnel(...)) for a flow's tunnel key, whose `metadata` holds raw Geneve options (datapath.h).
SetTunnel tunnel_action(const packet::Tunnel& tunnel);

}  // namespace weft::datapath
