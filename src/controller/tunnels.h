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

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/configuration.h"
#include "controller/switch_ports.h"
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

// The chassis whose rows changed.
void note_chassis(const ovsdb::client::Replica& southbound, std::set<std::string>& names);
// All that there are, or that there are tunnels to.
std::set<std::string> all_chassis(const ovsdb::client::Replica& southbound, const SwitchPorts& ports);

// Brings the bridge's tunnel ports to these chassis in line with the southbound database.
void keep_tunnels(const ovsdb::client::Replica& vswitch, const ovsdb::client::Replica& southbound,
                  const Configuration& configuration, const schema::vswitch::Bridge& bridge,
                  const SwitchPorts& ports, const std::set<std::string>& chassis,
                  ovsdb::client::Transaction& txn);

// The tunnels to a chassis that can be used now, sorted.
std::vector<Tunnel> tunnels_to(const ovsdb::client::Replica& vswitch,
                               const ovsdb::client::Replica& southbound, const Configuration& configuration,
                               const SwitchPorts& ports, const std::string& chassis);

// The chassis that the port is a tunnel to, if it is one.
std::optional<std::string> chassis_of_tunnel(const schema::vswitch::Port& port);
// The port's interface, or null if it has several or none.
const schema::vswitch::Interface* only_interface(const ovsdb::client::Replica& vswitch,
                                                 const schema::vswitch::Port& port);

// On a clean exit.
void remove_tunnels(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
