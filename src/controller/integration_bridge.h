// The bridge that logical ports are attached to (ovn-architecture(7)): made if it is not there, and kept in
// the form that the logical network needs.  Its rows are this controller's only as far as the functions here
// write them.

#pragma once

#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

// The bridge's row, or nullptr; then `txn` creates it: fail_mode secure (no controller, no traffic), no
// in-band, local port of its name. An existing bridge is left as the operator has it, but for datapath_type
// when that is configured and fail_mode.
const schema::vswitch::Bridge* keep_integration_bridge(const ovsdb::client::Replica& vswitch,
                                                       const Configuration& configuration,
                                                       ovsdb::client::Transaction& txn);

const schema::vswitch::Bridge* find_bridge(const ovsdb::client::Replica& vswitch, std::string_view name);

}  // namespace weft::controller
