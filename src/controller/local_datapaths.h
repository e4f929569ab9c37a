// Which logical datapaths packets can be in on this host, and which of them touch a physical network here.
//
// A datapath is local if a port of it is here, if this chassis may come to serve one of its gateway ports,
// and if packets can get into it from another local one: through patch ports, through the ports of a gateway
// router that is here, but not through a distributed gateway port that hands all its packets to another
// chassis.

#pragma once

#include <map>
#include <string>

#include "controller/own_ports.h"
#include "controller/southbound_view.h"

namespace weft::controller {

// Read from the view's rows and indexes, which must be up to date.
std::map<Uuid, LocalDatapath> find_local_datapaths(OwnPorts& own);

// Of switches among them the localnet port whose network `mappings` names.  Two of them on one switch are
// logged: the first by name counts.
std::map<Uuid, Uuid> find_localnets(SouthboundView& view, const std::map<Uuid, LocalDatapath>& datapaths,
                                    const std::map<std::string, std::string>& mappings);

// A router's port whose other end is in no datapath of this host: its packets are carried elsewhere, so none
// comes in by it here, and what were sent out of it here would meet no flow (docs/decisions/0117).
bool is_closed(SouthboundView& view, const schema::sb::PortBinding& port);

}  // namespace weft::controller
