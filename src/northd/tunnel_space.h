// How many datapaths and ports tunnels can tell apart.
//
// Geneve carries 24 bits of datapath and 15 of port; VXLAN has but 24 for both, 12 each, and of ports half
// are multicast groups (ovn-architecture(7), "Tunnel Encapsulations").  So one chassis that is reached by
// VXLAN limits all, unless NB_Global:options:vxlan_mode says that VXLAN is for hardware gateways alone.

#pragma once

#include <cstdint>

#include "ovsdb/client/replica.h"

namespace weft::northd {

constexpr int64_t kMaxRequestedDatapathKey =
    16777215;  // above max_datapath_key are those of transit switches, which ovn-ic asks for

struct TunnelSpace {
    int64_t max_datapath_key = 16711680;  // of those chosen here (NB_Global:options:max_tunid)
    int64_t max_requested_key = kMaxRequestedDatapathKey;
    int64_t max_port_key = 32767;
    bool operator==(const TunnelSpace&) const = default;
};

TunnelSpace find_tunnel_space(const ovsdb::client::Replica& northbound, bool any_vxlan);

}  // namespace weft::northd
