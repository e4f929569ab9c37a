// This host's own rows in the southbound database: Chassis, Chassis_Private and Encap (ovn-sb(5)).

#pragma once

#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::controller {

// Inserts the chassis' row with its encapsulations while there is none, and writes columns that differ from
// the configuration.  Another chassis that claims one of our encapsulation addresses is logged, and goes.
void keep_chassis(const ovsdb::client::Replica& southbound, const Configuration& configuration,
                  const schema::vswitch::OpenVSwitch& root, const schema::vswitch::Bridge* integration_bridge,
                  ovsdb::client::Transaction& txn);

// The encapsulation, of whatever chassis, has one of our addresses.
bool is_own_address(const Configuration& configuration, const schema::sb::Encap& encap);

const schema::sb::ChassisPrivate* find_chassis_private(const ovsdb::client::Replica& southbound,
                                                       const std::string& name);

// On a clean exit: the chassis leaves the network.
void remove_chassis(const ovsdb::client::Replica& southbound, const std::string& name,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
