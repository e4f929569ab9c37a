// Port and Interface rows as settings of bonds and of LACP (ovs-vswitchd.conf.db(5), "Bonding Configuration"
// and "LACP Configuration").

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schema/vswitch.h"
#include "switch/ofproto/port.h"
#include "switch/protocols/bond.h"
#include "switch/protocols/lacp.h"

namespace weft::vswitch {

// A value that cannot be read leaves the default.
BondOptions parse_bond_options(const schema::vswitch::Port& row);

// nullopt: LACP is off.  `bridge_mac` is the system's id unless the row names one, which must be right.
std::optional<LacpOptions> parse_lacp_options(const schema::vswitch::Port& row,
                                              const packet::EthAddr& bridge_mac,
                                              std::vector<std::string>& warnings);
LacpMemberOptions parse_lacp_member(const schema::vswitch::Interface& row, const OfPort& port);

}  // namespace weft::vswitch
