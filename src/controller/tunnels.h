// The tunnel mesh: one port on the integration bridge for every other chassis that this one can reach.
//
// Ports are named ovn-CHASSIS-N (CHASSIS cut to six characters, N the first number that is free) and marked
// with external_ids:ovn-chassis-id=CHASSIS@IP on the Port row, by which a restarted controller finds its own
// again.  Ports that no chassis needs any more are removed.

#pragma once

#include <string>
#include <vector>

#include "base/hash_map.h"
#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::controller {

// A tunnel that is up: the switch gave its port a number.
struct Tunnel {
    std::string chassis;
    std::string type;  // "geneve" or "vxlan"
    std::string ip;    // of the other end
    uint32_t ofport;
    auto operator<=>(const Tunnel&) const = default;
};

// Brings the bridge's tunnel ports in line with the southbound database.
void keep_tunnels(const ovsdb::client::Replica& vswitch, const ovsdb::client::Replica& southbound,
                  const Configuration& configuration, const schema::vswitch::Bridge& bridge,
                  ovsdb::client::Transaction& txn);

// The tunnels that can be used now, sorted.
std::vector<Tunnel> current_tunnels(const ovsdb::client::Replica& vswitch,
                                    const schema::vswitch::Bridge& bridge);

// On a clean exit.
void remove_tunnels(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
