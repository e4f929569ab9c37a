// What a flow's match says of the packet's type without saying it: whoever matches an Ethertype, an address
// or a tag means Ethernet (OpenFlow 1.5, 7.2.3.11; as Debian's switch, a flow that looks at no header takes
// packets of every type).

#pragma once

#include "openflow/match.h"

namespace weft::vswitch {

void set_default_packet_type(openflow::Match& match);

}  // namespace weft::vswitch
