// A Port row's VLAN configuration (ovs-vswitchd.conf.db(5), "VLAN Configuration").

#pragma once

#include <string>
#include <vector>

#include "schema/vswitch.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

VlanConfig parse_vlan_options(const schema::vswitch::Port& port, std::vector<std::string>& warnings);

}  // namespace weft::vswitch
