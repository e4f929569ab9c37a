// The VLAN tags of a packet on its way through a bridge by NORMAL (ovs-vswitchd.conf.db(5), Port, "VLAN
// Configuration"): as they came, as the bridge sees them, and as they leave by a port.
//
// Inside the bridge the outermost tag is that of the bridge's VLAN: a port's own, or that of the service
// (IEEE 802.1ad) in front of the customer's.  Two tags are kept, as many as a flow has.

#pragma once

#include <array>
#include <cstdint>

#include "packet/flow.h"
#include "switch/ofproto/port.h"

namespace weft::vswitch {

struct VlanTag {
    uint16_t tpid = 0;  // 0: none, or any
    uint16_t vid = 0;
    uint16_t pcp = 0;  // in its place in the tag
};
using VlanTags = std::array<VlanTag, packet::kMaxVlans>;
using VlanHeaders = std::array<packet::Vlan, packet::kMaxVlans>;

// `from`: the port that it came by; nullptr: none.  `vlan`: the bridge's, in which it travels.
VlanTags tags_inside(const VlanHeaders& headers, const VlanConfig* from, uint16_t vlan);
VlanHeaders tags_outside(const VlanTags& inside, const VlanConfig& to, bool from_tunnel);

}  // namespace weft::vswitch
