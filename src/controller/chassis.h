// This host's own rows in the southbound database: Chassis, Chassis_Private and Encap (ovn-sb(5)).

#pragma once

#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::controller {

// The chassis' row, or nullptr while there is none; then `txn` inserts it with its encapsulations.  Columns
// that differ from the configuration are written.  Another chassis that claims one of our encapsulation
// addresses is logged, and goes.
const schema::sb::Chassis* keep_chassis(const ovsdb::client::Replica& southbound,
                                        const Configuration& configuration,
                                        const schema::vswitch::OpenVSwitch& root,
                                        const schema::vswitch::Bridge* integration_bridge,
                                        ovsdb::client::Transaction& txn);

const schema::sb::ChassisPrivate* find_chassis_private(const ovsdb::client::Replica& southbound,
                                                       const std::string& name);

// On a clean exit: the chassis leaves the network.
void remove_chassis(const ovsdb::client::Replica& southbound, const std::string& name,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
