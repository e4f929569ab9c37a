// What the programs in the kernel (bpf/*.bpf.c) and the daemon share: every map's key and value.
//
// Fields of packets are in network byte order, as in packet/flow.h; everything else is the machine's.  Arrays
// that the daemon reads or writes often are mapped into its memory (BPF_F_MMAPABLE), so that statistics and
// new flows cost no system call.  Whatever changes here changes kLayoutVersion: connections of programs with
// another version are not adopted (predecessor.h).
//
// Who writes what: the programs write counters, statistics, the cache and their scratch memory; all else is
// the daemon's.  A flow's slot is written while its `alive` is 0 and no program can be in it
// (flow_slots.h), so a program that has seen `alive` may go on reading until it returns.

#pragma once

#include <linux/types.h>

#ifdef __cplusplus
namespace weft::datapath::ebpf {
#endif

enum {
    kLayoutVersion = 4,

    kPorts = 4096,          // port numbers that the programs know; others are served by the daemon
    kFlowSlots = 65536,     // flows and continuations of long ones
    kMasks = 64,            // different masks; flows with others are carried out by the daemon
    kSlotActions = 8,       // actions in a slot
    kMaxActions = 256,      // that one flow may carry out
    kCacheBuckets = 32768,  // power of two
    kCacheWays = 4,
    kDropReasons = 96,  // explain::kDropReasons
    kMaxRecirculations = 6,
    kScratchLevels = 8,    // programs inside programs on one CPU: a port behind a port, a copy of a packet
    kMaxCopyNesting = 3,   // copies of copies
    kHeadBytes = 128,      // of a packet, that are looked at
    kConnections = 65536,  // that the programs track; others are tracked by the daemon
    kRemotes = 4096,       // ends of tunnels; others are served by the daemon
    kSumBytes = 256,       // that are summed at once
};

// A packet as the flow table sees it: packet::Flow without what only userspace handles (MPLS, NSH, ND,
// packets without Ethernet header, more Geneve options than OVN's one, IPv6 addresses of connections).
struct Key {
    // Metadata: stays with the packet from one lookup to the next.
    __u32 in_port, recirc_id;
    __u32 pkt_mark, skb_priority;
    __u32 dp_hash, ct_state;
    __u32 ct_mark;
    __u16 ct_zone;
    __u8 ct_nw_proto;
    __u8 tun_options_length;  // bytes of tun_options in use
    __u8 ct_label[16];
    __u32 ct_nw_src, ct_nw_dst;
    __u16 ct_tp_src, ct_tp_dst;
    __u32 pad1;
    __u64 tun_id;
    __u32 tun_src, tun_dst;
    __u16 tun_flags;
    __u8 tun_tos, tun_ttl;
    __u16 tun_tp_src, tun_tp_dst;
    __u8 tun_options[8];
    __u8 tun_ipv6_src[16], tun_ipv6_dst[16];
    // The packet.
    __u8 dl_dst[6];
    __u16 dl_type;
    __u8 dl_src[6];
    __u8 nw_frag, nw_proto;
    __u16 vlan[4];    // TPID and TCI (with the CFI bit if there is a tag), outermost first
    __u8 nw_src[16];  // IPv4 and ARP: the first 4 bytes, of ARP the sender's MAC behind them
    __u8 nw_dst[16];  // the same with the target's
    __u32 ipv6_label;
    __u16 tp_src, tp_dst;
    __u16 tcp_flags;
    __u8 nw_tos, nw_ttl;
    __u32 pad2;
};
enum { kMetadataWords = 16, kPacketWords = 9, kKeyWords = kMetadataWords + kPacketWords };

struct MaskedKey {  // of the map `megaflows`, whose value is the slot's number
    struct Key key;
    __u32 mask;
    __u32 pad;
};

// How a flow's actions are written for the programs.  `data` is value and mask, byte for byte.  A place to go
// on at is kSlotActions * slot + action.
enum ActionKind {
    kActionEnd = 0,
    kActionOutput,       // argument: port; not the last
    kActionOutputLast,   // the same, and the packet's end
    kActionDrop,         // argument: reason
    kActionToUserspace,  // the daemon carries out the flow
    kActionContinue,     // argument: the slot in which the list goes on
    kActionRecirculate,  // argument: id
    kActionSetEthernet,  // data: 12 + 12 bytes, as on the wire
    kActionSetMark,      // data: 4 + 4, network byte order
    kActionSetPriority,
    kActionPushVlan,  // small: TPID, argument: TCI
    kActionPopVlan,
    kActionClearConntrack,
    // A copy of the packet carries out what follows, to its end; the packet goes on at the place `argument`.
    kActionCopy,
    kActionSample,  // data: probability, of 2^32 - 1; argument: the place to go on at if it is not to be
    kActionMeter,   // small: where the daemon may go on, argument: number
    kActionHandUp,  // small: where the daemon goes on; the packet's end
    // From here on they need to know where the headers lie.
    kActionSetIpv4,     // data: struct SetIpv4Data
    kActionSetIpv6Src,  // data: 16 + 16
    kActionSetIpv6Dst,
    kActionSetIpv6Misc,   // data: struct SetIpv6MiscData
    kActionSetPorts,      // small: protocol; data: struct SetPortsData
    kActionSetIcmp,       // small: protocol; data: type, code and masks
    kActionSetArp,        // small: offset in the ARP header; data: 16 + 16
    kActionCheckLength,   // small: length, argument: the place to go on at if the packet is not longer
    kActionHash,          // small: algorithm, argument: basis
    kActionTruncate,      // small: where the daemon may go on, argument: length
    kActionTunnelOutput,  // small: where the daemon may go on, argument: port; the packet's end
    // The same with a copy.  The daemon may go on at `small` with all that follows, or, for the copy alone,
    // at the next number.
    kActionTunnelOutputCopy,
    // Small: zone, argument: flags << 8 | where the daemon may go on; data: mark and its mask.
    kActionConntrack,
    // No header is needed.
    kActionExpectLabel,    // for the next kActionConntrack; data: label and mask
    kActionSetTunnel,      // small: bytes of options, argument: destination; data: struct SetTunnelData
    kActionSetTunnelIpv6,  // behind it, if the underlay is IPv6; data: source, destination
};
struct FlowAction {
    __u16 kind;
    __u16 small;
    __u32 argument;
    __u8 data[32];
};
struct SetIpv4Data {
    __u32 src, src_mask, dst, dst_mask;
    __u8 tos, tos_mask, ttl, ttl_mask;
};
struct SetIpv6MiscData {
    __u32 first, first_mask;  // version, class and label
    __u8 hop_limit, hop_limit_mask;
};
struct SetPortsData {
    __u16 src, src_mask, dst, dst_mask;
};

enum { kTrackCommit = 1, kTrackForce = 2, kTrackNat = 4, kTrackMark = 8, kTrackLabel = 16 };
struct SetTunnelData {
    __u64 id;  // network byte order
    __u32 src;
    __u16 flags, tp_src, tp_dst;
    __u8 tos, ttl;
    __u8 options[8];
};

struct FlowSlot {
    __u32 alive;  // the number of its list of actions, never used again; 0: not in use
    __u32 mask;
    struct Key key;  // masked
    struct FlowAction actions[kSlotActions];
};

struct FlowCounters {               // one for each slot and CPU, at cpu * kFlowSlots + slot
    __u64 packets, bytes, used_ns;  // CLOCK_MONOTONIC of the last packet
    __u64 tcp_flags;                // seen
};

enum PortKind { kPortNone = 0, kPortDevice, kPortInternal, kPortTunnel };
enum TunnelKind { kTunnelNone = 0, kTunnelGeneve, kTunnelVxlan, kTunnelGre };
struct PortEntry {
    __u32 kind;
    __u32 ifindex;      // of devices and internal ports
    __u32 tunnel;       // TunnelKind
    __u32 tunnel_port;  // UDP, network byte order
    __u32 watched;      // of tunnels: somebody captures, so the daemon is to see all packets
    __u32 policed;      // what comes in has to pass two meters (meter_shared.h)
    // Upcalls of this port: sent by the programs, done with by the daemon.  Their difference is bounded, so
    // that a port that floods makes the others wait no longer than that.
    __u32 upcalls_sent, upcalls_done;
};
struct PortCounters {  // one for each port and CPU, at cpu * kPorts + port
    __u64 rx_packets, rx_bytes, tx_packets, tx_bytes, tx_dropped;
};

// Where a tunnel's packets go: the route that the daemon has found.  The neighbour is the kernel's business.
struct RemoteKey {
    __u32 dst, src;  // src 0: whatever the route says
};
struct Remote {
    __u32 ifindex;
    __u32 src;
    __u32 mtu;   // of an outer IP packet
    __u32 next;  // the gateway or the remote itself; 0: not known
};
struct RemoteKeyIpv6 {
    __u8 src[16], dst[16];  // in the key's order
};
struct RemoteIpv6 {
    __u32 ifindex, mtu;
    __u8 src[16], next[16];
};
// Which tunnel port a packet from an underlay is for: IP protocol << 16 | UDP port, network byte order.
#define WEFT_TUNNEL_SELECTOR(protocol, port) ((__u32)(protocol) << 16 | (port))

// An established connection, which the daemon's tracker (conntrack/tracker.h) has as well.  The programs
// follow it as conntrack/tcp_tracking.h does, and hand up whatever is more than data and acknowledgments.
struct TrackedTuple {  // conntrack::Tuple with ports in network byte order: of the map `connections`, whose
    __u8 src[16], dst[16];  // value is the slot's number << 1 | reply
    __u16 src_port, dst_port;
    __u16 zone;
    __u8 protocol, v6;
};
struct TrackedEnd {  // TcpTracking::Numbers
    __u32 next, limit;
    __u16 max_window;
    __u8 scale;
    __u8 kind;  // kEnd..., for the daemon
};
enum { kEndScales = 1, kEndLiberal = 2, kEndLiberalScale = 4 };
enum {
    kTrackedSourceNat = 1,
    kTrackedDestinationNat = 2,
    kTrackedCheckSequences = 4,
    kTrackedUnanswered = 8,  // UDP: still new
};
struct TrackedConnection {
    __u64 used_ns;     // CLOCK_MONOTONIC of the last packet; written by both sides
    __u64 timeout_ns;  // it is over when it has not been used for so long
    __u32 alive;
    __u32 flags;
    __u32 mark;
    __u32 pad;
    __u8 label[16];
    struct TrackedTuple tuples[2];  // original, reply
    struct TrackedEnd ends[2];      // written by both sides, upwards only
};

struct Totals {  // one for each CPU
    __u64 hits, cache_hits, masks_tried, upcalls, upcalls_lost;
    __u64 drops[kDropReasons];
};

struct CacheBucket {
    __u64 way[kCacheWays];  // signature << 32 | slot + 1; 0: empty
};

struct Config {
    __u64 layout;          // kLayoutVersion
    __u64 magic;           // of the headers in front of upcalls
    __u64 seed;            // of hashes
    __u32 upcall_ifindex;  // the device that upcalls are sent out of; 0: nobody listens
    __u32 upcall_window;   // upcalls of a port that may be under way
    __u32 copy_ifindex;    // the device that copies are sent out of (copy_device.h)
    __u32 pad;
    __u32 vlan_limit;  // tags that are looked behind
    __u32 mask_count;
    __u32 mask_order[kMasks];  // in which masks are tried
    __u64 mask_hits[kMasks];   // written by the programs, about right
};

// In front of a packet that is handed up.  The kernel puts a tag that it keeps beside the packet behind the
// first 12 bytes of what it hands to a TAP device: then `tagged` is set and 4 bytes lie between.
struct UpcallHeader {
    __u64 magic;
    __u16 tagged;
    __u8 depth;       // recirculations
    __u8 tunnel_set;  // the key's tunnel is where to send, not what the packet came by
    __u32 sequence;   // of the port's upcalls
    // The daemon goes on in the midst of a flow's list of actions; list 0: it looks the packet up.
    __u32 list, at;
    __u8 ct_ipv6_src[16], ct_ipv6_dst[16];
    __u64 metadata[kMetadataWords];  // of the key
};

// Of a program in the kernel, for itself.
enum { kLayoutStale = 1, kFieldsStale = 2 };
enum { kCopyActions = 1, kCopyTunnelOutput = 2 };
struct Scratch {
    struct Key key;
    struct MaskedKey masked;
    __u32 slot, pc;
    __u32 in_port;
    __u32 verdict;
    __u32 depth;
    __u32 stale;            // what has changed since the packet was looked at
    __u32 l3, l4, payload;  // offsets as in packet::Layout; 0: none
    __u32 l3_end;
    __u32 list, at;    // for the daemon, as in UpcallHeader
    __u8 tunnel_set;   // as in UpcallHeader
    __u8 from_tunnel;  // the packet came by a tunnel
    __u8 copying;      // kCopy...: a copy has been sent that nobody has taken yet
    __u8 parsed;       // key and layout are the packet's
    __u8 copy_up;      // a copy of the packet has gone up, to track connections there perhaps
    __u8 telling;      // the packet goes up to be shown, and that is its end
    __u8 pad[2];
    __u32 copy_port;  // of kCopyTunnelOutput
    __u32 sum_result;
    __u8 ct_ipv6_src[16], ct_ipv6_dst[16];  // the key has no room for them
    __u32 label[8];                         // of kActionExpectLabel
    struct TrackedTuple tuple;
    __u8 head[kHeadBytes + 64];
    __u8 sum_bytes[kSumBytes + 8];
};

#ifdef __cplusplus
}  // namespace weft::datapath::ebpf
#endif
