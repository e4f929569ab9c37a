// A flow's actions in the form that the programs in the kernel carry out.
//
// An encoded list is the whole list, or `to_userspace` alone, and then `why` says why.  Some actions may turn
// out to be more than the programs can do only when a packet is there (a tunnel whose remote end is not
// resolved): then the packet is handed up as it is by then, with the number of the place in the list where
// the daemon goes on.

#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "datapath/api/action.h"
#include "datapath/ebpf/key.h"

namespace weft::datapath::ebpf {

// Of a tunnel's outer packets; IPv4 in mapped form, ::ffff:a.b.c.d.
struct TunnelEnds {
    packet::Ipv6Addr dst{}, src{};  // src zero: whatever the route says
    auto operator<=>(const TunnelEnds&) const = default;
};

struct Encoded {
    // Never empty.  Places to go on at are indices of this list; FlowSlots::write() makes the programs' of
    // them.
    std::vector<FlowAction> actions;
    std::string_view why;         // not empty: the daemon carries the flow out
    std::vector<PortNo> outputs;  // that the list names, whoever carries it out
    // Where the daemon may have to go on: parts of the list of actions that was encoded.
    std::vector<std::span<const Action>> resume;
    std::vector<TunnelEnds> tunnels;  // that are sent by
};

// What the programs have for a port number, kPortNone if they cannot send to it.
using PortKinds = std::function<PortKind(PortNo)>;

// `key` and `mask` are the megaflow's: some actions are right only for some packets.
Encoded encode(const Actions& actions, const KeyPair& flow, const PortKinds& ports);

}  // namespace weft::datapath::ebpf
