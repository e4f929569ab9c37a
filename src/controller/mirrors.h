// Mirrors of logical ports (ovn-sb(5), Mirror): packets of ports that are here are copied by the integration
// bridge, into a GRE or ERSPAN tunnel to the sink, or out of a local interface that says that it is the sink
// (type local: Interface.external_ids:mirror-id).
//
// A mirror of the switch has the logical one's name, is known as ours by external_ids:ovn-owned, and its
// tunnel's port is called ovn-NAME.  It is there while one of its ports is.

#pragma once

#include <map>
#include <string>

#include "controller/own_ports.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::controller {

// A step's body (steps.h).
void keep_mirrors(const ovsdb::client::Replica& vswitch, const ovsdb::client::Replica& southbound,
                  const schema::vswitch::Bridge& bridge, OwnPorts& own, ovsdb::client::Transaction& txn);

// On a clean exit.
void remove_mirrors(const ovsdb::client::Replica& vswitch, const schema::vswitch::Bridge& bridge,
                    ovsdb::client::Transaction& txn);

}  // namespace weft::controller
