// The interfaces of the integration bridge that say which logical port they are
// (Interface.external_ids:iface-id).

#pragma once

#include <map>
#include <string>

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

// By logical port name.  Interfaces that the switch has not given a number, or could not open, do not count.
// Of two that claim the same port the first by name counts, and the other is logged.
std::map<std::string, LocalInterface> find_local_interfaces(const ovsdb::client::Replica& vswitch,
                                                            const schema::vswitch::Bridge& bridge);

}  // namespace weft::controller
