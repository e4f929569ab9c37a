// Flushing connections as `ovs-ofctl ct-flush` and `dpctl/flush-conntrack` ask for it.

#pragma once

#include "datapath/api/connection_table.h"
#include "openflow/messages/nicira.h"

namespace weft::vswitch {

// Flushes what matches: fields that are 0 match everything; the zone is 0 where a tuple comes without one.
// False: the tuple named one connection, and there is none.
bool flush_connections(datapath::ConnectionTable& table, const openflow::CtFlush& what);

}  // namespace weft::vswitch
