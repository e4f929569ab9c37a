// Connection tuples as `ovs-ofctl ct-flush` and `dpctl/flush-conntrack` take them:
// "ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2" (ovs-ofctl(8)).
//
// Fields that are not given, or 0, stand for any value.  Errors are one line, worded as ovs-vswitchd does.

#pragma once

#include <string_view>

#include "base/result.h"
#include "openflow/messages/nicira.h"

namespace weft::openflow {

// "mark=VALUE[/MASK]" and "labels=VALUE[/MASK]" (ovs-ofctl(8) of 3.4 and later): false if it is neither.
Result<bool> parse_ct_marks(std::string_view word, CtFlush& flush);
// Adds the tuple to `flush`, whose protocol and family both tuples share.  An empty text adds none.
Result<void> parse_ct_tuple(std::string_view text, bool reply, CtFlush& flush);

}  // namespace weft::openflow
