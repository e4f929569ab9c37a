// A bridge's Mirror rows as its mirrors (ovs-vswitchd.conf.db(5), "Mirror Table").

#pragma once

#include <string>
#include <vector>

#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"
#include "switch/ofproto/mirror.h"

namespace weft::vswitch {

// Rows that say no place for their copies are left out, with a line in `warnings`.
std::vector<Mirror> read_mirrors(const schema::vswitch::Bridge& row, const ovsdb::client::Replica& replica,
                                 std::vector<std::string>& warnings);

}  // namespace weft::vswitch
