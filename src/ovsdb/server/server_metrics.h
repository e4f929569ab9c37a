// The database server's figures for --metrics, under the names that users of the exporters for OVN know where
// they have one: ovn_db_… of the databases of OVN, ovs_db_… of others.

#pragma once

#include "base/exposition.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

void collect_metrics(Server& server, metrics::Exposition& out);

}  // namespace weft::ovsdb
