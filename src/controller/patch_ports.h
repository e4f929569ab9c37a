// Patch ports between the integration bridge and the bridges of physical networks: one pair for every
// localnet port of a local switch and every l2gateway port that is here, whose network
// external_ids:ovn-bridge-mappings names (ovn-controller(8)).
//
// The ends are called patch-br-int-to-LPORT (on the integration bridge, with its name) and
// patch-LPORT-to-br-int; both Port rows are marked with external_ids:ovn-localnet-port or ovn-l2gateway-port
// = LPORT, by which a restarted controller finds its own again.  Pairs that nothing needs any more are
// removed.

#pragma once

#include <map>
#include <string>

#include "controller/configuration.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

struct PatchWanted {
    std::string mark;     // "ovn-localnet-port" or "ovn-l2gateway-port"
    std::string network;  // physical network
    bool operator==(const PatchWanted&) const = default;
};

// Brings the patch ports in line with `wanted`, by logical port.  A network whose bridge does not exist is
// logged.
void keep_patch_ports(const ovsdb::client::Replica& vswitch, const Configuration& configuration,
                      const schema::vswitch::Bridge& integration_bridge,
                      const std::map<std::string, PatchWanted>& wanted, ovsdb::client::Transaction& txn);

// The logical port that a patch port of ours is for; "" for other ports.
std::string owner_of_patch_port(const schema::vswitch::Port& port);

// On a clean exit.
void remove_patch_ports(const ovsdb::client::Replica& vswitch, ovsdb::client::Transaction& txn);

}  // namespace weft::controller
