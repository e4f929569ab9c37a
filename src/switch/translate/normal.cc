// NORMAL: the learning switch, with access, trunk, native and dot1q-tunnel ports (ovs-vswitchd.conf.db(5),
// "VLAN Configuration").

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/clock.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "switch/translate/vlan_tags.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

uint16_t vid_of(const packet::Flow& flow) {
    return flow.vlans[0].tci & packet::kVlanVidMask;
}

// What a bridge does not forward unless it is told to (ovs-vswitchd.conf.db(5), other_config:forward-bpdu):
// IEEE 802.1Q's group 01:80:c2:00:00:00…0f (8.6.3), and protocols of Extreme's and Cisco's.
bool reserved(const packet::EthAddr& mac) {
    struct Group {
        packet::EthAddr first;
        uint8_t count;
    };
    static constexpr Group kGroups[] = {
        {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, 16}, {{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x00}, 1},
        {{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x04}, 1},  {{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x06}, 1},
        {{0x01, 0x00, 0x0c, 0x00, 0x00, 0x00}, 1},  {{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xc0}, 8},
        {{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc}, 2},  {{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd}, 1}};
    return std::any_of(std::begin(kGroups), std::end(kGroups), [&](const Group& group) {
        return std::equal(mac.begin(), mac.begin() + 5, group.first.begin()) && mac[5] >= group.first[5] &&
               mac[5] < group.first[5] + group.count;
    });
}

}  // namespace

Bundle* Walk::bundle_of_input() {
    OfPort* port = bridge_->port(flow_.in_port);
    return port ? port->bundle : nullptr;
}

// The VLAN in which the packet travels; false if the port does not take it.
bool Walk::input_vlan(const Bundle& bundle, uint16_t& vlan) {
    const VlanConfig& config = bundle.vlan;
    uint16_t vid = vid_of(flow_);
    auto refuse = [&](std::string why) {
        report(TraceNode::Kind::kError, std::move(why));
        warning("disallowed VLAN VID for this input port, dropping");
        return false;
    };
    switch (config.mode) {
        case VlanMode::kAccess:
            if (vid) {
                return refuse(fmt::format(
                    "dropping VLAN {} tagged packet received on port {} configured as VLAN {} access port",
                    vid, bundle.name, config.tag));
            }
            vlan = config.tag;
            return true;
        case VlanMode::kDot1qTunnel:
            vlan = config.tag;
            if (!config.all_trunks && !config.trunks.test(vid)) {
                return refuse(fmt::format(
                    "dropping VLAN {} packet received on dot1q-tunnel port {} that excludes this VLAN", vid,
                    bundle.name));
            }
            return true;
        case VlanMode::kNativeTagged:
        case VlanMode::kNativeUntagged:
            if (!vid) {
                vlan = config.tag;
                return true;
            }
            break;
        case VlanMode::kTrunk:
            break;
    }
    vlan = vid;
    if (config.carries(vid)) return true;
    return refuse(
        fmt::format("dropping VLAN {} packet received on port {} not configured for trunking VLAN {}", vid,
                    bundle.name, vid));
}

void Walk::learn_mac(Bundle& bundle, uint16_t vlan) {
    if (packet::is_multicast(flow_.dl_src) || bridge_->flood_vlans.test(vlan)) return;
    bool lock = gratuitous_arp() && !bundle.bond;
    note(EffectCache::LearnMac{bridge_, flow_.dl_src, vlan, bundle.name, lock});
    if (!in_.effects) return;
    if (bridge_->mac_table.learn(flow_.dl_src, vlan, &bundle, clock::monotonic_ms(), lock) && tracing()) {
        detail(fmt::format("learned that {} is on port {} in VLAN {}", packet::to_string(flow_.dl_src),
                           bundle.name, vlan));
    }
}

void Walk::normal() {
    mask_.dl_src.fill(0xff);
    mask_.dl_dst.fill(0xff);
    for (size_t i = 0; i < packet::kMaxVlans && in_.flow.vlans[i].tci; i++) {
        // A tag that says nothing but a priority goes where there is none.
        bool names_vlan = in_.flow.vlans[i].tci & packet::kVlanVidMask;
        mask_.vlans[i].tci |= names_vlan ? packet::kVlanVidMask | packet::kVlanCfi : 0xffff;
    }
    Bundle* from = bundle_of_input();
    if (!from && flow_.in_port != openflow::kPortController && flow_.in_port != openflow::kPortNone &&
        flow_.in_port != 0) {
        report(TraceNode::Kind::kError,
               fmt::format("received packet on unknown port {}", static_cast<uint32_t>(flow_.in_port)));
        return warning("no input bundle, dropping");
    }
    if (packet::ethernet::is_vlan(flow_.dl_type) && !(flow_.vlans[0].tci & packet::kVlanCfi)) {
        // Cut off within the tag, or below one that was taken off: in which VLAN it is, nobody knows.
        report(TraceNode::Kind::kError,
               fmt::format("dropping packet with partial VLAN tag received on port {}",
                           from ? from->name : std::string("OFPP_NONE")));
        out_.drop = explain::DropReason::kInvalidVlan;
        return warning("partial VLAN tag, dropping");
    }
    if (reserved(flow_.dl_dst) && !bridge_->forward_bpdu) {
        out_.drop = explain::DropReason::kReservedAddress;
        return detail("packet has reserved destination MAC, dropping");
    }
    uint16_t vlan = 0;
    if (from) {
        if (!input_vlan(*from, vlan)) {
            out_.drop = explain::DropReason::kInvalidVlan;
            return;
        }
        if (from->bond && !admitted(*from, vlan)) return;
        learn_mac(*from, vlan);
    } else {
        vlan = vid_of(flow_);
    }
    if (bridge_->multicast.enabled() && is_multicast_ip()) return normal_multicast(from, vlan);
    const MacTable::Entry* entry = packet::is_multicast(flow_.dl_dst) || bridge_->flood_vlans.test(vlan)
                                       ? nullptr
                                       : bridge_->mac_table.lookup(flow_.dl_dst, vlan);
    if (entry) {
        if (entry->bundle == from) return detail("learned port is input port, dropping");
        detail("forwarding to learned port");
        if (bridge_->mirrors_to(entry->bundle->name)) return;
        if (entry->bundle->is_protected && from && from->is_protected) {
            return detail("learned port is protected, dropping");
        }
        return output_normal(*entry->bundle, vlan);
    }
    detail("no learned MAC for destination, flooding");
    normal_flood(from, vlan);
}

bool Walk::normal_may_send(const Bundle* from, const Bundle& to, uint16_t vlan) const {
    if (&to == from || bridge_->mirrors_to(to.name) || !to.vlan.carries(vlan)) return false;
    if (to.vlan.mode == VlanMode::kAccess || to.vlan.mode == VlanMode::kDot1qTunnel) {
        uint16_t inner = tags_inside(flow_.vlans, from ? &from->vlan : nullptr, vlan)[1].vid;
        // An access port carries no tags in tags, a tunnel's those of its customer.
        if (to.vlan.mode == VlanMode::kAccess ? inner : !to.vlan.all_trunks && !to.vlan.trunks.test(inner))
            return false;
    }
    return !from || !from->is_protected || !to.is_protected;
}

void Walk::normal_flood(Bundle* from, uint16_t vlan) {
    for (const auto& [name, bundle] : bridge_->bundles()) {
        if (!bundle->floodable) continue;
        if (from && from->is_protected && bundle->is_protected && bundle.get() != from &&
            bundle->vlan.carries(vlan))
            warning("Flow is between protected ports, skipping output.");
        if (!normal_may_send(from, *bundle, vlan)) continue;
        if (const OfPort* port = bundle->active(); port && !learns(port->tree)) continue;
        output_normal(*bundle, vlan);
        if (bridge_ == in_.bridge) netflow_output_ = Netflow::kFlood;
    }
}

void Walk::output_normal(Bundle& bundle, uint16_t vlan, bool back) {
    const VlanConfig& config = bundle.vlan;
    bool native = config.mode == VlanMode::kNativeTagged || config.mode == VlanMode::kNativeUntagged;
    // VLAN 0 is no VLAN: a port with a native one would make it that.
    if (!config.carries(vlan) || (native && !vlan && config.tag)) return;
    Bundle* from = bundle_of_input();
    VlanHeaders saved = flow_.vlans;
    bool from_tunnel = from && from->vlan.mode == VlanMode::kDot1qTunnel;
    flow_.vlans = tags_outside(tags_inside(saved, from ? &from->vlan : nullptr, vlan), config, from_tunnel);
    // The tags of a traced flow may be of no known type: one that stays as it is, does so in this, too.
    for (size_t i = 0; i < saved.size(); i++) {
        if (flow_.vlans[i].tci == saved[i].tci && !saved[i].tpid) flow_.vlans[i].tpid = 0;
    }
    if (flow_.vlans[0].tci != saved[0].tci && saved[0].tci) mask_.vlans[0].tci |= 0xffff;
    if (bundle.bond)
        output_bond(bundle, vlan, !back);
    else if (OfPort* port = bundle.active())
        output_port(port->number, !back);
    flow_.vlans = saved;
}

}  // namespace weft::vswitch
