// Ports of a bridge: what OpenFlow sees (OfPort, one for each interface), and what NORMAL forwarding sees
// (Bundle, one for each row of the Port table, with its VLAN configuration).

#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/api/datapath.h"
#include "packet/flow.h"
#include "switch/protocols/bfd_options.h"
#include "switch/protocols/bond.h"
#include "switch/protocols/cfm_options.h"
#include "switch/protocols/spanning_tree_port.h"

namespace weft::vswitch {

class Bridge;
struct Bundle;

// How a tunnel's packets are in the bridge (ovs-vswitchd.conf.db(5), options:packet_type): Ethernet as it is;
// others, which get an Ethernet header of zeros there and lose it on the way out; or all as they are.
enum class TunnelPackets : uint8_t { kLegacyL2, kLegacyL3, kAware };

// ovs-vswitchd.conf.db(5), Interface, "Tunnel Options".
struct TunnelConfig {
    datapath::PortType type = datapath::PortType::kGeneve;
    uint16_t dst_port = 0;  // UDP; 0: gre
    bool remote_flow = false, local_flow = false;
    bool v6 = false;
    uint32_t remote = 0, local = 0;  // host order; local 0: any
    packet::Ipv6Addr remote6{}, local6{};
    bool in_key_present = true, in_key_flow = false, out_key_present = true, out_key_flow = false;
    uint64_t in_key = 0, out_key = 0;
    bool tos_inherit = false, ttl_inherit = false;
    uint8_t tos = 0, ttl = 64;
    bool dont_fragment = true, csum = false;
    bool gbp = false, gpe = false;  // VXLAN's extensions
    bool sequence = false;          // GRE counts its packets
    std::optional<uint32_t> mark;   // of the packets that carry
    TunnelPackets packets = TunnelPackets::kLegacyL2;
    // ERSPAN's numbers; those that are `flow` are the packet's tun_erspan_* fields.
    uint8_t erspan_ver = 1, erspan_dir = 0, erspan_hwid = 0;
    uint32_t erspan_idx = 0;
    bool erspan_ver_flow = false, erspan_dir_flow = false, erspan_hwid_flow = false, erspan_idx_flow = false;
    bool operator==(const TunnelConfig&) const = default;
};

// OpenFlow's port state (1.1+ numbers) and configuration bits.
inline constexpr uint32_t kPortConfigDown = 1, kPortConfigNoStp = 2, kPortConfigNoRecv = 4,
                          kPortConfigNoFlood = 16, kPortConfigNoFwd = 32, kPortConfigNoPacketIn = 64;
inline constexpr uint32_t kPortStateLinkDown = 1, kPortStateBlocked = 2, kPortStateLive = 4;

// As OpenFlow describes a link (openflow/messages/port.h, kPort10MbHd …).
struct LinkFeatures {
    uint32_t current = 0, advertised = 0, supported = 0;
    uint32_t current_kbps = 0, max_kbps = 0;  // 0: not known
    bool operator==(const LinkFeatures&) const = default;
};

struct OfPort {
    Bridge* bridge = nullptr;
    Bundle* bundle = nullptr;
    std::string name;
    std::string type;  // of the Interface row: "", "internal", "patch", "geneve", ...
    uint32_t number = 0;
    datapath::PortNo dp_port = datapath::kNoPort;  // tunnels of one kind share theirs; patch ports have none
    packet::EthAddr mac{};
    uint32_t config = 0, state = 0;
    int mtu = 0;
    uint32_t ifindex = 0;                    // 0: it has none
    std::map<uint32_t, uint8_t> queue_dscp;  // code points that queues write into packets
    LinkFeatures features;                   // of its device
    bool is_patch = false;
    std::string peer_name;  // of patch ports
    std::optional<TunnelConfig> tunnel;
    datapath::PortStats counted;  // of patch and tunnel ports, which have no device of their own
    int64_t created_ms = 0;
    std::optional<BfdFilter> bfd;      // which packets are the BFD session's; none: there is no session
    std::optional<CfmFilter> cfm;      // which packets are continuity checks; none: no maintenance point
    bool lldp = false;                 // LLDP is the switch's
    bool lacp = false;                 // frames of the slow protocols are the switch's
    bool monitored_up = true;          // false: BFD says that nothing gets through
    bool continuous = true;            // false: continuity checks say so
    TreeState tree = TreeState::kOff;  // what the spanning tree lets through

    bool may_receive() const { return !(config & (kPortConfigDown | kPortConfigNoRecv)); }
    bool may_forward() const { return !(config & (kPortConfigDown | kPortConfigNoFwd)); }
    bool up() const { return !(config & kPortConfigDown) && !(state & kPortStateLinkDown); }
    // What groups, bundles and bonds go by.
    bool live() const { return up() && monitored_up && continuous; }
};

enum class VlanMode : uint8_t { kAccess, kTrunk, kNativeTagged, kNativeUntagged, kDot1qTunnel };
enum class PriorityTags : uint8_t { kNever, kIfNonzero, kAlways };

struct VlanConfig {
    VlanMode mode = VlanMode::kTrunk;
    uint16_t tag = 0;  // access, native-* and dot1q-tunnel
    bool all_trunks = true;
    std::bitset<4096> trunks;
    uint16_t outer_tpid = 0x88a8;  // of dot1q-tunnel
    PriorityTags priority_tags = PriorityTags::kNever;

    bool carries(uint16_t vid) const {
        switch (mode) {
            case VlanMode::kAccess:
                return vid == tag;
            case VlanMode::kDot1qTunnel:
                return vid == tag;
            case VlanMode::kNativeTagged:
            case VlanMode::kNativeUntagged:
                if (vid == tag) return true;
                break;
            case VlanMode::kTrunk:
                break;
        }
        return all_trunks || trunks.test(vid);
    }
    // Whether packets of `vid`, which it carries, leave with a tag.
    bool tags(uint16_t vid) const {
        switch (mode) {
            case VlanMode::kAccess:
            case VlanMode::kDot1qTunnel:
                return false;
            case VlanMode::kTrunk:
            case VlanMode::kNativeTagged:
                return vid != 0;
            case VlanMode::kNativeUntagged:
                return vid != tag;
        }
        return false;
    }
    bool operator==(const VlanConfig&) const = default;
};

struct Bundle {
    std::string name;
    VlanConfig vlan;
    bool is_protected = false;
    bool floodable = true;
    bool multicast_flood = false, multicast_flood_reports = false;  // mcast-snooping-flood, -flood-reports
    std::vector<OfPort*> members;
    std::shared_ptr<Bond> bond;         // of several members (bridge/bonds.h)
    std::optional<uint32_t> lb_output;  // the datapath's bond that spreads packets in its place

    OfPort* member(uint32_t number) const {
        for (OfPort* port : members) {
            if (port->number == number) return port;
        }
        return nullptr;
    }
    // The member that packets leave by if no hash decides, nullptr if there is none.
    OfPort* active() const {
        if (bond) return member(bond->active());
        return members.empty() ? nullptr : members.front();
    }
};

}  // namespace weft::vswitch
