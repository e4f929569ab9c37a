// Rows of the northbound database as the shapes write them: each function writes one thing that operators
// know.

#pragma once

#include <string>

#include "ovsdb/client/transaction.h"
#include "schema/nb.h"

namespace weft::sim {

// A port of the switch.  `addresses` as in Logical_Switch_Port: "ETHERNET IP", "router", "unknown".
Uuid add_switch_port(ovsdb::client::Transaction& txn, const Uuid& logical_switch, const std::string& name,
                     const std::string& type, const std::string& addresses,
                     const ovsdb::StringMap& options = {});
// The same for a workload, which may use no other addresses.
Uuid add_workload(ovsdb::client::Transaction& txn, const Uuid& logical_switch, const std::string& name,
                  const std::string& addresses);
Uuid add_router_port(ovsdb::client::Transaction& txn, const Uuid& router, const std::string& name,
                     const std::string& ethernet, const std::string& network);
// A router port and the switch port that joins it to a switch.
Uuid join(ovsdb::client::Transaction& txn, const Uuid& router, const std::string& router_port,
          const Uuid& logical_switch, const std::string& switch_port, const std::string& ethernet,
          const std::string& network);
void add_gateway(ovsdb::client::Transaction& txn, const Uuid& router_port,
                 const std::string& router_port_name, const std::string& chassis, int64_t priority);
void add_route(ovsdb::client::Transaction& txn, const Uuid& router, const std::string& prefix,
               const std::string& next_hop, bool by_source = false);
void add_nat(ovsdb::client::Transaction& txn, const Uuid& router, const std::string& type,
             const std::string& external_ip, const std::string& logical_ip);
void add_acl(ovsdb::client::Transaction& txn, const Uuid& port_group, const std::string& direction,
             int64_t priority, const std::string& match, const std::string& action);

}  // namespace weft::sim
