// NORMAL: the learning switch, with access, trunk, native and dot1q-tunnel ports (ovs-vswitchd.conf.db(5),
// "VLAN Configuration").

#include <fmt/core.h>

#include "base/clock.h"
#include "packet/address.h"
#include "switch/translate/walk.h"

namespace weft::vswitch {

namespace {

uint16_t vid_of(const packet::Flow& flow) {
    return flow.vlans[0].tci & packet::kVlanVidMask;
}

// 01:80:c2:00:00:00…0f: never forwarded by a bridge (IEEE 802.1Q, 8.6.3).
bool reserved(const packet::EthAddr& mac) {
    return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && !mac[3] && !mac[4] && mac[5] < 0x10;
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
    bool tagged = flow_.vlans[0].tci != 0;
    switch (config.mode) {
        case VlanMode::kAccess:
            if (vid) {
                warning(fmt::format(
                    "dropping VLAN {} tagged packet received on port {} configured as VLAN {} access port",
                    vid, bundle.name, config.tag));
                return false;
            }
            vlan = config.tag;
            return true;
        case VlanMode::kDot1qTunnel:
            vlan = config.tag;
            if (tagged && !config.all_trunks && !config.trunks.test(vid)) {
                warning(fmt::format("dropping VLAN {} packet not configured in cvlans of port {}", vid,
                                    bundle.name));
                return false;
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
    if (!config.carries(vid)) {
        warning(fmt::format("dropping VLAN {} packet received on port {} not configured for trunking VLAN {}",
                            vid, bundle.name, vid));
        return false;
    }
    return true;
}

void Walk::learn_mac(Bundle& bundle, uint16_t vlan) {
    if (packet::is_multicast(flow_.dl_src)) return;
    if (!in_.effects) {
        note(EffectCache::LearnMac{bridge_->name(), flow_.dl_src, vlan, bundle.name});
        return;
    }
    if (bridge_->mac_table.learn(flow_.dl_src, vlan, &bundle, clock::monotonic_ms()) && tracing()) {
        detail(fmt::format("learned that {} is on port {} in VLAN {}", packet::to_string(flow_.dl_src),
                           bundle.name, vlan));
    }
    note(EffectCache::LearnMac{bridge_->name(), flow_.dl_src, vlan, bundle.name});
}

void Walk::normal() {
    mask_.dl_src.fill(0xff);
    mask_.dl_dst.fill(0xff);
    if (in_.flow.vlans[0].tci) mask_.vlans[0].tci |= packet::kVlanVidMask | packet::kVlanCfi;
    Bundle* from = bundle_of_input();
    if (!from && flow_.in_port != openflow::kPortController && flow_.in_port != openflow::kPortNone &&
        flow_.in_port != 0) {
        return warning("no input bundle, dropping");
    }
    if (reserved(flow_.dl_dst) && !bridge_->forward_bpdu) {
        out_.drop = explain::DropReason::kReservedAddress;
        return detail("destination is a reserved address, dropping");
    }
    uint16_t vlan = 0;
    if (from) {
        if (!input_vlan(*from, vlan)) {
            out_.drop = explain::DropReason::kInvalidVlan;
            return;
        }
        // A bond in active-backup mode takes packets from the active member alone.
        if (from->members.size() > 1 && from->active() && from->active()->number != flow_.in_port) {
            return warning("packet received on a bond member that is not active, dropping");
        }
        learn_mac(*from, vlan);
    } else {
        vlan = vid_of(flow_);
    }
    const MacTable::Entry* entry =
        packet::is_multicast(flow_.dl_dst) ? nullptr : bridge_->mac_table.lookup(flow_.dl_dst, vlan);
    if (entry) {
        if (entry->bundle == from) return detail("learned port is input port, dropping");
        detail("forwarding to learned port");
        if (entry->bundle->is_protected && from && from->is_protected) {
            return detail("learned port is protected, dropping");
        }
        return output_normal(*entry->bundle, vlan);
    }
    detail("no learned MAC for destination, flooding");
    for (const auto& [name, bundle] : bridge_->bundles()) {
        if (bundle.get() == from || !bundle->floodable || !bundle->vlan.carries(vlan)) continue;
        if (from && from->is_protected && bundle->is_protected) continue;
        output_normal(*bundle, vlan);
    }
}

void Walk::output_normal(Bundle& bundle, uint16_t vlan) {
    if (!bundle.vlan.carries(vlan)) return;
    OfPort* port = bundle.active();
    if (!port) return;
    Bundle* from = bundle_of_input();
    std::array<packet::Vlan, packet::kMaxVlans> saved = flow_.vlans;

    // What the packet carries below the tag of this bridge's VLAN, and that tag's priority.
    bool all_inner = from && from->vlan.mode == VlanMode::kDot1qTunnel;
    std::array<packet::Vlan, packet::kMaxVlans> inner{};
    uint16_t pcp = 0, tpid = 0x8100;
    if (all_inner) {
        inner = saved;
    } else if (saved[0].tci) {
        inner[0] = saved[1];
        pcp = saved[0].tci & packet::kVlanPcpMask;
        tpid = saved[0].tpid;
    }
    const VlanConfig& config = bundle.vlan;
    bool tag = false;
    switch (config.mode) {
        case VlanMode::kAccess:
        case VlanMode::kDot1qTunnel:
            break;
        case VlanMode::kTrunk:
        case VlanMode::kNativeTagged:
            tag = vlan != 0;
            break;
        case VlanMode::kNativeUntagged:
            tag = vlan != config.tag;
            break;
    }
    if (all_inner) tpid = from->vlan.outer_tpid;
    bool priority_tag = !tag && config.mode != VlanMode::kDot1qTunnel &&
                        (config.priority_tags == PriorityTags::kAlways ||
                         (config.priority_tags == PriorityTags::kIfNonzero && pcp));
    flow_.vlans = {};
    if (tag || priority_tag) {
        flow_.vlans[0].tpid = tpid;
        flow_.vlans[0].tci = static_cast<uint16_t>((tag ? vlan : 0) | pcp | packet::kVlanCfi);
        flow_.vlans[1] = inner[0];
    } else {
        flow_.vlans = inner;
    }
    if (flow_.vlans[0].tci != saved[0].tci && saved[0].tci) mask_.vlans[0].tci |= 0xffff;
    output_port(port->number);
    flow_.vlans = saved;
}

}  // namespace weft::vswitch
