// The flow-based VXLAN ports of the integration bridge by which VTEPs of EVPNs are reached: one for each UDP
// port of external_ids:ovn-evpn-vxlan-ports, named ovn-evpn-PORT and marked with external_ids:ovn-evpn-tunnel
// in the rows of Port and Interface (ovn-controller(8)).

#pragma once

#include <cstdint>
#include <map>

#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "ovsdb/client/transaction.h"
#include "schema/vswitch.h"

namespace weft::controller {

void keep_evpn_tunnels(const ovsdb::client::Replica& vswitch, const Configuration& configuration,
                       const schema::vswitch::Bridge& bridge, ovsdb::client::Transaction& txn);
// On a clean exit.
void remove_evpn_tunnels(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                         ovsdb::client::Transaction& txn);

// The bridge's ports that can be used now, by UDP port.
std::map<uint16_t, uint32_t> evpn_tunnels(const ovsdb::client::Replica& vswitch,
                                          const Configuration& configuration);

}  // namespace weft::controller
