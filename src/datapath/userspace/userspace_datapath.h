// The userspace datapath: the complete one, and the reference that the others are held to.
//
// Packets come from devices (AF_PACKET or AF_XDP sockets on system devices, TAP for internal ports), tunnels
// are built and stripped here, flows are looked up in an exact-match cache and then by tuple space, and every
// action of action.h is carried out.  All on the loop's thread.
//
// Needs CAP_NET_ADMIN and CAP_NET_RAW for anything but dummy ports.

#pragma once

#include <memory>

#include "datapath/api/datapath.h"
#include "datapath/netdev/links.h"
#include "net/loop.h"

namespace weft::datapath {

// `type`: the datapath_type that it serves ("system", "netdev").  Creates port 0, a TAP device called `name`
// (an existing TAP of that name is taken over).  `links` must outlive the datapath.  `forwarder`: what it
// says of itself (api/forwarder.h).
Result<std::unique_ptr<Datapath>> create_userspace_datapath(net::Loop& loop, Links& links, std::string type,
                                                            std::string name, std::string forwarder = "");

// The same flow table and actions with dummy ports only (dummy/dummy_device.h); port 0 is a dummy internal
// port.
Result<std::unique_ptr<Datapath>> create_dummy_datapath(net::Loop& loop, std::string name);

}  // namespace weft::datapath
