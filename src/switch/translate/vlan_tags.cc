#include "switch/translate/vlan_tags.h"

namespace weft::vswitch {

namespace {

constexpr uint16_t kTagged = 0x8100;

}  // namespace

VlanTags tags_inside(const VlanHeaders& headers, const VlanConfig* from, uint16_t vlan) {
    VlanTags tags;
    for (size_t i = 0; i < headers.size() && headers[i].tci; i++) {
        tags[i] = {headers[i].tpid, static_cast<uint16_t>(headers[i].tci & packet::kVlanVidMask),
                   static_cast<uint16_t>(headers[i].tci & packet::kVlanPcpMask)};
    }
    if (from && from->mode == VlanMode::kDot1qTunnel) {
        // The service's tag may get the customer's priority; see tags_outside().
        tags[1] = tags[0];
        tags[0] = {from->outer_tpid, vlan, tags[1].pcp};
        return tags;
    }
    bool untagged = !tags[0].vid;
    tags[0].vid = vlan;
    if (from && from->mode == VlanMode::kAccess) tags[1] = {};  // an access port carries no tags in tags
    if (from && untagged && from->mode != VlanMode::kTrunk && !tags[0].tpid) tags[0].tpid = kTagged;
    return tags;
}

VlanHeaders tags_outside(const VlanTags& inside, const VlanConfig& to, bool from_tunnel) {
    bool priorities = to.priority_tags != PriorityTags::kNever;
    VlanTags tags = inside;
    // A service's tag has the customer's priority only where priorities count.
    if (from_tunnel && !priorities) tags[0].pcp = 0;
    bool native = to.mode == VlanMode::kNativeUntagged && tags[0].vid == to.tag;
    if (to.mode == VlanMode::kAccess || to.mode == VlanMode::kDot1qTunnel || native) {
        // The bridge's VLAN goes; its priority may stay, in a tag that says nothing else.
        VlanTag left = {0, 0, priorities ? tags[0].pcp : uint16_t{0}};
        bool inner = to.mode != VlanMode::kAccess && (tags[1].tpid || tags[1].vid);
        tags[0] = inner ? tags[1] : left;
        tags[1] = {};
    }
    VlanHeaders headers{};
    for (size_t i = 0; i < tags.size(); i++) {
        auto tci = static_cast<uint16_t>(tags[i].vid | tags[i].pcp);
        if (!tci && !(to.priority_tags == PriorityTags::kAlways && tags[i].tpid)) break;
        headers[i].tpid = tags[i].tpid ? tags[i].tpid : kTagged;
        headers[i].tci = static_cast<uint16_t>(tci | packet::kVlanCfi);
    }
    return headers;
}

}  // namespace weft::vswitch
