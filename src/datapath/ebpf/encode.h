// A flow's actions in the form that the programs in the kernel carry out.
//
// A flow is carried out either by the programs, all of it, or by the daemon, all of it: no packet's list of
// actions is begun in one place and finished in the other.  So an encoded list is the whole list, or
// `to_userspace` alone, and then `why` says why.

#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "datapath/api/action.h"
#include "datapath/ebpf/key.h"

namespace weft::datapath::ebpf {

struct Encoded {
    std::vector<FlowAction> actions;  // never empty
    std::string_view why;             // not empty: the daemon carries the flow out
    std::vector<PortNo> outputs;      // that the list names, whoever carries it out
};

// `key` and `mask` are the megaflow's: some actions are right only for some packets.  `served(port)`: the
// programs can send to that port.
Encoded encode(const Actions& actions, const KeyPair& flow, const std::function<bool(PortNo)>& served);

}  // namespace weft::datapath::ebpf
