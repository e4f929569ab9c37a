// What a switch leaves in the kernel when it ends, since it is to go on forwarding or comes back: programs at
// devices, the devices of internal ports, those that programs use.  Removed when nothing of it is wanted any
// more.

#pragma once

#include "datapath/netdev/links.h"

namespace weft::datapath {

// Of any process of ours, which must not be running.  Devices are known by the programs that they have.  The
// number of programs and devices that went.
int remove_leftovers(Links& links);

}  // namespace weft::datapath
