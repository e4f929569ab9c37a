// What the ports of the integration bridge are: interfaces of logical ports
// (Interface.external_ids:iface-id), tunnels to other chassis (tunnels.h), patch ports to physical networks
// (patch_ports.h).
//
// Follows the changes of the local database's rows, and tells whose ports changed: a port that comes costs
// what it is, however many there are.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "ovsdb/client/replica.h"
#include "schema/vswitch.h"

namespace weft::controller {

struct LocalInterface {
    Uuid uuid;
    std::string name;
    uint32_t ofport = 0;
    std::string iface_id_ver;  // external_ids:iface-id-ver
    std::string encap_ip;      // external_ids:encap-ip
    bool operator==(const LocalInterface&) const = default;
};

class SwitchPorts {
  public:
    // Once per turn, before the changes are cleared.  `bridge`: null if there is none.
    void follow(const ovsdb::client::Store& vswitch, const schema::vswitch::Bridge* bridge);

    // The interface of a logical port, or null.  Interfaces that the switch has not given a number, or could
    // not open, do not count.  Of two that claim the same port the first by name counts, and the other is
    // logged.
    const LocalInterface* interface(const std::string& logical_port) const;
    std::set<std::string> logical_ports() const;  // that interfaces say they are
    // An interface says that it is that port, in whatever state, and is not plugged by a controller.
    bool is_taken(const std::string& logical_port) const;
    // Interfaces that a controller plugged (vif_plug.h), with their ports.
    const std::map<Uuid, Uuid>& plugged() const { return plugged_; }

    // The Port rows of the tunnels to a chassis, by its name.
    const std::set<Uuid>& tunnels_to(const std::string& chassis) const;
    std::vector<std::string> chassis() const;  // to which there are tunnels
    // Of those the ones that BFD reaches, and those on whose tunnels it was ever asked for.
    const std::set<std::string>& alive() const { return alive_; }
    const std::set<std::string>& with_bfd() const { return with_bfd_; }

    // The number of the patch port that serves a localnet or l2gateway port; 0: there is none.
    uint32_t patch_port(const std::string& logical_port) const;

    // Whose ports changed since this was asked last: logical ports' names, chassis' names.
    struct Changed {
        std::set<std::string> interfaces, chassis, patches;
    };
    Changed take_changed() { return std::exchange(changed_, {}); }

  private:
    // An interface that says which logical port it is.
    struct Claim {
        LocalInterface interface;
        bool plugged = false;
    };
    // What one port of the bridge is.
    struct Entry {
        std::vector<Uuid> interfaces;
        std::vector<std::pair<std::string, Uuid>> claims;  // logical port, interface
        std::string chassis;                               // of a tunnel
        std::string patch;                                 // of a patch port: the logical port
    };
    void follow_changes(const ovsdb::client::Store& vswitch, const schema::vswitch::Bridge& bridge,
                        std::set<Uuid> ports);
    void take(const ovsdb::client::Store& vswitch, const Uuid& port);
    void drop(const Uuid& port);
    void take_interface(const schema::vswitch::Interface& interface, const Uuid& port, Entry& entry);
    void note_sessions(const ovsdb::client::Store& vswitch, const std::string& chassis);

    Uuid bridge_;
    std::map<Uuid, Entry> entries_;                        // by port
    std::map<Uuid, Uuid> port_of_;                         // by interface
    std::map<std::string, std::map<Uuid, Claim>> claims_;  // by logical port
    std::map<Uuid, Uuid> plugged_;
    std::map<std::string, std::set<Uuid>> tunnels_;            // by chassis
    std::map<std::string, std::map<Uuid, uint32_t>> patches_;  // by logical port: numbers of ports
    std::set<std::string> alive_, with_bfd_;
    Changed changed_;
};

}  // namespace weft::controller
