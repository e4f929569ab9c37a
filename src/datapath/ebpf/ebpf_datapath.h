// The eBPF datapath: the userspace datapath with programs in the kernel in front of it
// (docs/decisions/0042-ebpf-datapath.md).
//
// Every flow is in the userspace datapath's table, which can carry out all of them.  Those that the programs
// can carry out they have, too, and then packets do not come up at all.  What does come up (no flow there, a
// flow for the daemon, a port that only it serves) is looked up here and goes on as in the userspace
// datapath, which is the reference.
//
// Needs CAP_BPF and CAP_NET_ADMIN, Linux 5.15 or newer.

#pragma once

#include <memory>

#include "datapath/api/datapath.h"
#include "datapath/netdev/links.h"
#include "net/loop.h"

namespace weft::datapath {

// `type`: the datapath_type that it serves ("system").  Creates port 0, a TAP device called `name`.  Errors:
// the programs do not load, and why.  There is one in a network namespace.  `links` must outlive it.
Result<std::unique_ptr<Datapath>> create_ebpf_datapath(net::Loop& loop, Links& links, std::string type,
                                                       std::string name);

}  // namespace weft::datapath
