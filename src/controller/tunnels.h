// The tunnel mesh: ports on the integration bridge for every other chassis that this one can reach.
//
// A chassis may have several addresses for tunnels (external_ids:ovn-encap-ip, Encap of ovn-sb(5)).  There is
// a port for each address of the other chassis, of the best kind of tunnel that both have, and where this
// chassis has several itself, one for each pair of theirs and ours: options:remote_ip and options:local_ip.
// Which of them a packet takes is remote_flows.cc's.
//
// Ports are named ovn-CHASSIS-N (CHASSIS cut to six characters, N the first number that is free) and marked
// with external_ids:ovn-chassis-id=CHASSIS@IP, or CHASSIS@IP%OWN-IP, on the Port row, by which a restarted
// controller finds its own again.  Ports that no chassis needs any more are removed.

#pragma once

#include <functional>
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
    uint16_t own_encap = 0;  // Configuration::encap_id() of our end
    bool preferred = true;   // to the address that the other chassis wants to be reached by, unless told else
    auto operator<=>(const Tunnel&) const = default;
};

// Brings the bridge's tunnel ports in line with the southbound database.
void keep_tunnels(const ovsdb::client::Replica& vswitch, const ovsdb::client::Replica& southbound,
                  const Configuration& configuration, const schema::vswitch::Bridge& bridge,
                  ovsdb::client::Transaction& txn);

// The tunnels that can be used now, sorted.
std::vector<Tunnel> current_tunnels(const ovsdb::client::Replica& vswitch,
                                    const ovsdb::client::Replica& southbound,
                                    const Configuration& configuration,
                                    const schema::vswitch::Bridge& bridge);

// Calls function(name of the chassis, interface) for each tunnel of the bridge.
void for_each_tunnel(
    const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
    const std::function<void(const std::string&, const schema::vswitch::Interface&)>& function);

// On a clean exit.
void remove_tunnels(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
