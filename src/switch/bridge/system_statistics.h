// Figures of the host for Open_vSwitch:statistics (ovs-vswitchd.conf.db(5), "Statistics"): processors, load,
// memory, the daemons of a run directory and local file systems, as Linux's /proc tells them.  What cannot be
// read is left out.

#pragma once

#include <string>

#include "ovsdb/client/containers.h"

namespace weft::vswitch {

ovsdb::StringMap system_statistics(const std::string& rundir);

}  // namespace weft::vswitch
