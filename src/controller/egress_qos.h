// Rates of logical ports towards the physical network (Port_Binding.options:qos_min_rate, qos_max_rate,
// qos_burst with the queue number qdisc_queue_id, which the logical flows choose by set_queue).
//
// Every port whose interface is marked external_ids:ovn-egress-iface=true gets a QoS row of type linux-htb
// with one queue for each such logical port that is here.  The rows are the switch's business from then on.
// They are marked external_ids:ovn-egress-qos=true, by which a restarted controller finds its own again;
// ports with a QoS of somebody else's are left alone.

#pragma once

#include "controller/own_ports.h"
#include "ovsdb/client/replica.h"
#include "schema/sb.h"
#include "schema/vswitch.h"

namespace weft::controller {

// A step's body (steps.h).
void keep_egress_qos(const ovsdb::client::Replica& vswitch, OwnPorts& own, ovsdb::client::Transaction& txn);

}  // namespace weft::controller
