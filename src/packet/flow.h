// The flow key: every field of a packet and of its way through the switch that a match can look at
// (ovs-fields(7)).
//
// One struct serves as the value of a packet, as the value of a match and, bit for bit, as a match's mask (a
// set bit is compared).  All of it is network byte order (base/big_endian.h), so a field is a range of bytes
// and masking, comparing and hashing work on 64-bit words without knowing fields.  Fields that do not apply
// are zero: only the prerequisites of ovs-fields(7) say which of them mean something (tp_src of an ICMP
// packet is its type, of a fragment it is 0, …).
//
// Filled from a packet by packet/extract.h; named, and given their wire identity, by openflow/field.h.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/big_endian.h"

namespace weft::packet {

using EthAddr = std::array<uint8_t, 6>;
using Ipv6Addr = std::array<uint8_t, 16>;
using Be128 = std::array<uint8_t, 16>;

inline constexpr size_t kMaxVlans = 2;
inline constexpr size_t kMaxMplsLabels = 3;
inline constexpr size_t kRegisters = 16;
inline constexpr size_t kTunnelMetadataFields = 64;
inline constexpr size_t kTunnelMetadataBytes = 256;

// Flow::nw_frag
inline constexpr uint8_t kFragAny = 1;    // any fragment
inline constexpr uint8_t kFragLater = 2;  // not the first one

// Flow::ct_state
inline constexpr uint32_t kCtNew = 0x01, kCtEstablished = 0x02, kCtRelated = 0x04, kCtReply = 0x08,
                          kCtInvalid = 0x10, kCtTracked = 0x20, kCtSnat = 0x40, kCtDnat = 0x80;

// Tunnel::flags
inline constexpr uint16_t kTunnelDontFragment = 0x01, kTunnelCsum = 0x02, kTunnelKey = 0x04,
                          kTunnelOam = 0x08;
// Of headers to send alone: VXLAN says what it carries; GRE counts packets.
inline constexpr uint16_t kTunnelGpe = 0x10, kTunnelSequence = 0x20;

// An 802.1Q tag.  tci has bit 0x1000 (CFI) set when there is a tag, so that tci 0 means none, as vlan_tci in
// ovs-fields(7).
struct Vlan {
    Be16 tpid;
    Be16 tci;
};
inline constexpr uint16_t kVlanCfi = 0x1000, kVlanVidMask = 0x0fff, kVlanPcpMask = 0xe000;

struct Tunnel {
    Be64 id;  // tun_id
    Be32 src, dst;
    Ipv6Addr ipv6_src, ipv6_dst;
    Be16 flags;  // kTunnel…
    uint8_t tos, ttl;
    Be16 tp_src, tp_dst;
    Be16 gbp_id;
    uint8_t gbp_flags;
    uint8_t erspan_ver;
    Be32 erspan_idx;
    uint8_t erspan_dir, erspan_hwid;
    uint8_t gtpu_flags, gtpu_msgtype;
    uint8_t pad[4];
    // Geneve options, as fields tun_metadata0…63: where each lies in `metadata` is the bridge's option table
    // (openflow/tunnel_metadata.h); `metadata_present` has bit N for tun_metadataN.
    Be64 metadata_present;
    std::array<uint8_t, kTunnelMetadataBytes> metadata;
};

struct Nsh {
    uint8_t flags, ttl, mdtype, np;
    Be32 path_hdr;  // spi (24 bits), si (8 bits)
    std::array<Be32, 4> context;
};

struct Flow {
    // Of the switch.
    Tunnel tunnel;
    Be64 metadata;
    std::array<Be32, kRegisters> regs;
    Be32 in_port;        // OpenFlow port number (32-bit); in a datapath's key, the datapath's
    Be32 actset_output;  // OpenFlow port number
    Be32 packet_type;    // namespace << 16 | type; 0: Ethernet
    Be32 skb_priority;
    Be32 pkt_mark;
    Be32 dp_hash;
    Be32 recirc_id;
    Be32 conj_id;
    Be32 ct_state;  // kCt…
    Be32 ct_mark;
    Be128 ct_label;
    Be16 ct_zone;
    // Of the connection: its original direction's 5-tuple.
    Be16 ct_tp_src, ct_tp_dst;
    uint8_t ct_nw_proto;
    uint8_t pad1;
    Be32 ct_nw_src, ct_nw_dst;
    Ipv6Addr ct_ipv6_src, ct_ipv6_dst;

    // Layer 2.
    EthAddr dl_dst, dl_src;
    Be16 dl_type;  // Ethertype of the innermost header that is known; 0x05ff for 802.3 without SNAP
    std::array<Vlan, kMaxVlans> vlans;  // outermost first
    uint8_t pad2[2];
    std::array<Be32, kMaxMplsLabels> mpls_lse;

    // Layer 3.  ARP uses nw_src (spa), nw_dst (tpa), nw_proto (opcode).
    Be32 nw_src, nw_dst;
    Ipv6Addr ipv6_src, ipv6_dst;
    Be32 ipv6_label;
    uint8_t nw_frag;  // kFrag…
    uint8_t nw_tos;   // DSCP and ECN
    uint8_t nw_ttl;
    uint8_t nw_proto;
    Ipv6Addr nd_target;
    EthAddr arp_sha, arp_tha;  // ARP, or ND source (sll) and target (tll) link-layer address
    Be16 tcp_flags;            // 12 bits
    uint8_t pad3[2];
    Nsh nsh;

    // Layer 4.  ICMP and ICMPv6: type and code.  IGMP: type and code, group in igmp_group.
    Be16 tp_src, tp_dst;
    Be32 igmp_group;
    Be32 nd_reserved;  // of neighbour advertisements: R, S, O flags
    uint8_t nd_options_type;
    uint8_t pad4[7];

    bool operator==(const Flow& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }
};

static_assert(sizeof(Flow) % 8 == 0, "Flow is handled as 64-bit words");
static_assert(std::has_unique_object_representations_v<Flow>,
              "padding would break comparing and hashing by words");
inline constexpr size_t kFlowWords = sizeof(Flow) / 8;

inline const uint64_t* words(const Flow& flow) {
    return reinterpret_cast<const uint64_t*>(&flow);
}
inline uint64_t* words(Flow& flow) {
    return reinterpret_cast<uint64_t*>(&flow);
}

// A flow of zeros, padding included (value initialisation leaves none, but be plain about it).
inline Flow zero_flow() {
    Flow flow;
    std::memset(static_cast<void*>(&flow), 0, sizeof flow);
    return flow;
}

}  // namespace weft::packet
