// Port bindings: which logical ports live on this chassis (ovn-sb(5), Port_Binding).
//
// A VIF is claimed when an interface of the integration bridge carries its name and no other chassis is asked
// for; the containers in it follow.  Gateway ports (l3gateway, l2gateway) are claimed when their options name
// this chassis.  What this chassis holds without a reason is released.  A port is `up` once the switch has
// its flows.

#pragma once

#include <map>
#include <set>
#include <string>

#include "base/hash_map.h"
#include "controller/local_interfaces.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"

namespace weft::controller {

class Binding {
  public:
    explicit Binding(const ovsdb::client::Replica& southbound) : southbound_(southbound) {}

    // Follows the changes of Port_Binding; call once per turn, before clear_changes().
    void note_changes();

    // Writes claims and releases into `txn`.  `interfaces` are this host's; `chassis` is our row.
    void claim_and_release(const std::map<std::string, LocalInterface>& interfaces,
                           const schema::sb::Chassis& chassis, ovsdb::client::Transaction& txn);

    // Ports that the southbound database says are ours, by name.
    std::map<std::string, const schema::sb::PortBinding*> own_ports(const schema::sb::Chassis& chassis) const;

    // The datapaths that packets from and to own ports can be in: those of the ports, and what patch ports
    // lead to.
    std::set<Uuid> local_datapaths(const std::map<std::string, const schema::sb::PortBinding*>& own,
                                   const std::map<std::string, LocalInterface>& interfaces) const;

    // On a clean exit.
    void release_all(const schema::sb::Chassis& chassis, ovsdb::client::Transaction& txn) const;

  private:
    bool may_claim(const schema::sb::PortBinding& port, const schema::sb::Chassis& chassis) const;
    // What the local interfaces and options give this chassis a right to.
    bool belongs_here(const schema::sb::PortBinding& port,
                      const std::map<std::string, LocalInterface>& interfaces,
                      const schema::sb::Chassis& chassis) const;
    void claim(const schema::sb::PortBinding& port, const schema::sb::Chassis& chassis,
               ovsdb::client::Transaction& txn) const;

    const ovsdb::client::Replica& southbound_;
    HashMap<Uuid, std::set<Uuid>> patch_ports_;       // by datapath
    std::map<std::string, std::set<Uuid>> children_;  // by parent port name
    std::set<Uuid> gateways_;                         // ports that options bind to a chassis
};

}  // namespace weft::controller
