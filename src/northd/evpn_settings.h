// What hosts have to know of a logical switch that an EVPN extends (ovn-nb(5), "EVPN Options").

#pragma once

#include "ovsdb/client/containers.h"

namespace weft::northd {

// For Datapath_Binding.external_ids: all that the switch's other_config says of dynamic routing, if it has a
// VNI.
void copy_evpn_settings(const ovsdb::StringMap& config, ovsdb::StringMap& external_ids);

}  // namespace weft::northd
