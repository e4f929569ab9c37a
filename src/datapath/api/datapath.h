// A datapath: ports, a cache of flows, and the way up for packets that match none.
//
// The switch fills it with megaflows (key, mask, actions).  A packet that no flow covers, or whose flow
// says so, goes to the UpcallHandler, which answers with put_flow() and execute().  A datapath knows neither
// OpenFlow nor the database.
//
// Keys are packet::Flow in which:
//   in_port           is the datapath's port number;
//   tunnel.metadata   holds the raw Geneve options (TLVs, RFC 8926 section 3.5) and
//   tunnel.metadata_present their length in bytes, a mask of which is all ones or zero;
//   registers, metadata, actset_output, conj_id are zero.
// A packet that came by no tunnel has a tunnel key of zeros.
//
// Not thread-safe: called from the switch's thread; the handler is called back on it.  References that a
// datapath hands out are valid until the next call that changes it.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "datapath/api/action.h"
#include "datapath/api/connection_table.h"
#include "datapath/api/port_type.h"
#include "packet/flow.h"
#include "packet/packet.h"

namespace weft::datapath {

struct PortSpec {
    std::string name;  // the device, or e.g. "genev_sys_6081"
    PortType type = PortType::kSystem;
    PortNo number = kNoPort;   // wanted; kNoPort: any free one
    uint16_t tunnel_port = 0;  // UDP port of geneve, vxlan; 0: the standard's
    // Of dummy ports: tx_pcap, rxq_pcap, stream, pstream, pcap.  Of afxdp ports: userspace/afxdp_port.h.
    std::map<std::string, std::string> options;
    packet::EthAddr mac{};  // of internal and dummy ports; zeros: chosen
    int mtu = 0;            // of internal and dummy ports; 0: 1500
};

struct PortInfo {
    PortNo number = kNoPort;
    std::string name;
    PortType type = PortType::kSystem;
    uint16_t tunnel_port = 0;
};

struct PortStats {
    uint64_t rx_packets = 0, rx_bytes = 0, rx_dropped = 0, rx_errors = 0;
    uint64_t tx_packets = 0, tx_bytes = 0, tx_dropped = 0, tx_errors = 0;
};

struct FlowStats {
    uint64_t packets = 0, bytes = 0;
    int64_t used_ms = 0;     // clock::monotonic_ms() of the last packet; 0: never
    uint16_t tcp_flags = 0;  // seen
};

using Ufid = Uuid;  // unique flow identifier: of the (unmasked) key and mask

struct FlowPut {
    Ufid ufid;
    packet::Flow key, mask;  // key & mask is what counts
    Actions actions;
    // Modify if there is one with this ufid, else create; both true is "put".
    bool create = true, modify = true;
    bool zero_stats = false;
};

struct FlowDump {
    Ufid ufid;
    packet::Flow key, mask;
    Actions actions;
    FlowStats stats;
    bool offloaded = false;  // in a kernel or hardware cache
    std::string_view datapath_layer = "ovs";
};

// What an earlier process's forwarding, which is still in place, does with some packets.
struct InheritedFlow {
    packet::Flow key;                      // masked; in_port is this datapath's, recirc_id that process's
    std::vector<uint32_t> recirculations;  // its ids that the flow's actions name, in their order
};

struct Upcall {
    enum class Type : uint8_t { kMiss, kAction };
    Type type = Type::kMiss;
    packet::Packet packet;
    packet::Flow key;                        // of the packet as it is now
    Bytes userdata;                          // kAction: of Userspace::userdata
    Actions actions;                         // kAction, if Userspace::actions: those of the flow
    uint32_t truncated_to = 0;               // 0: whole
    std::optional<SetTunnel> egress_tunnel;  // kAction with Userspace::tunnel_egress
};

class UpcallHandler {
  public:
    virtual ~UpcallHandler() = default;
    // Called after a batch of packets was processed.  May call any method of the datapath.
    virtual void handle(std::vector<Upcall> upcalls) = 0;
};

struct MeterBand {
    uint32_t rate = 0;                // kilobits or packets per second
    uint32_t burst = 0;               // kilobits or packets; 0: as much as the rate gives in a second
    uint64_t packets = 0, bytes = 0;  // dropped, when read
};
struct MeterConfig {
    uint32_t id = 0;
    bool packets_per_second = false;  // else kilobits
    std::vector<MeterBand> bands;     // every one drops what exceeds its rate
    uint64_t packets = 0, bytes = 0;  // that came by, when read
    int64_t created_ms = 0;
};

// What a port takes in at most; what exceeds it is dropped.  A rate of 0: as much as comes.
struct Policing {
    uint32_t kbps = 0, burst_kbits = 0;
    uint32_t kpps = 0, burst_kpackets = 0;
    bool operator==(const Policing&) const = default;
};

// Where LbOutput sends a packet, by the low byte of its hash; kNoPort: it is dropped.
inline constexpr size_t kBondBuckets = 256;
using BondBuckets = std::array<PortNo, kBondBuckets>;
using BondBytes = std::array<uint64_t, kBondBuckets>;

struct DatapathStats {
    uint64_t hits = 0, misses = 0, lost = 0;   // lookups
    uint64_t exact_hits = 0, masks_tried = 0;  // in front of, and in, the megaflow table
    size_t flows = 0, masks = 0;
    std::vector<uint64_t> drops;  // by explain::DropReason
};

struct Execute {
    packet::Packet packet;
    // What the packet cannot tell: in_port, tunnel, packet_type, pkt_mark, skb_priority, recirc_id, dp_hash,
    // ct_... Fields of the packet's headers are extracted again.
    packet::Flow key;
    const Actions* actions = nullptr;  // valid during the call
    uint32_t mtu = 0;
};

// Told of ports that came, went or changed behind the switch's back (a device was deleted or renamed).
using PortChange = std::function<void(PortNo)>;

class Datapath {
  public:
    virtual ~Datapath() = default;

    virtual std::string_view type()
        const = 0;  // "system", "netdev", "dummy": the datapath_type that it serves
    virtual const std::string& name() const = 0;

    // Ports.  Number 0 is made with the datapath: an internal port named as it.
    virtual Result<PortNo> add_port(const PortSpec& spec) = 0;
    virtual Result<void> delete_port(PortNo port) = 0;
    virtual std::vector<PortInfo> ports() const = 0;  // by number
    virtual std::optional<PortInfo> find_port(PortNo port) const = 0;
    virtual std::optional<PortInfo> find_port(std::string_view name) const = 0;
    virtual Result<PortStats> port_stats(PortNo port) const = 0;
    virtual Result<void> set_policing(PortNo, const Policing& policing) {
        if (policing == Policing()) return {};
        return Error{"this datapath does not police ingress"};
    }
    virtual void on_port_change(PortChange callback) = 0;

    // Flows.
    virtual Result<void> put_flow(FlowPut put) = 0;
    virtual Result<FlowDump> get_flow(const Ufid& ufid) const = 0;
    // The flow that a packet with this key meets.
    virtual std::optional<Ufid> flow_of(const packet::Flow& key) const = 0;
    virtual Result<FlowStats> delete_flow(const Ufid& ufid) = 0;  // the last statistics
    virtual void flush_flows() = 0;
    // Calls `each` for every flow; the callback must not change the flows.
    virtual void dump_flows(const std::function<void(const FlowDump&)>& each) const = 0;
    // The same for their statistics alone, which costs a fraction.
    virtual void each_flow_stats(const std::function<void(const Ufid&, const FlowStats&)>& each) const = 0;

    // Restarts.  True: what this datapath has put into the kernel goes on forwarding when the process ends,
    // so its flows and ports need not, and must not, be deleted then.
    virtual bool outlives_process() const { return false; }
    // The switch knows all that it needs to answer misses: a datapath that has found an earlier process's
    // forwarding in place takes over now.
    virtual void take_over() {}
    // To be asked before take_over(): the flows that were in use lately, the last used one last.  Whoever
    // looks them up and puts what comes out spares their packets a miss, and with it that later packets
    // overtake those on their way up.
    virtual std::vector<InheritedFlow> inherited_flows() { return {}; }

    // Packets.  execute() runs the actions at once; what they send is out, or queued, when it returns.
    virtual Result<void> execute(Execute request) = 0;
    virtual void set_upcall_handler(UpcallHandler* handler) = 0;  // nullptr: misses are dropped
    // Runs a packet through the datapath as if `in_port` had received it.
    virtual void receive(PortNo in_port, packet::Packet packet) = 0;

    virtual DatapathStats stats() const = 0;
    virtual std::optional<uint32_t> max_meters() const = 0;
    virtual Result<void> set_meter(const MeterConfig& meter) = 0;  // create or replace
    virtual Result<MeterConfig> get_meter(uint32_t id) const = 0;
    virtual Result<MeterConfig> delete_meter(uint32_t id) = 0;

    // Bonds, for LbOutput (if features().lb_output): created or replaced; their bytes go on being counted.
    virtual Result<void> set_bond(uint32_t, const BondBuckets&) {
        return Error{"this datapath has no lb_output action"};
    }
    virtual void delete_bond(uint32_t) {}
    virtual BondBytes bond_bytes(uint32_t) const { return {}; }  // sent since the bond was created

    // Connection tracking; nullptr: flows with `ct` actions are refused by put_flow().
    virtual ConnectionTable* connections() = 0;

    // What the datapath supports, for the switch's probes (dpif/show-dp-features).
    struct Features {
        int max_vlan_headers = 2;
        int max_mpls_depth = 3;
        int max_hash_algorithm = 1;
        size_t masks = 256;  // of megaflows, that a lookup affords
        bool recirculation = true, masked_set = true, tunnel_push_pop = false, ufid = true, truncate = true,
             clone = true, sample_nesting = true, ct_eventmask = false, ct_clear = false,
             check_pkt_len = true, ct_timeout = false, explicit_drop = true, ct_zero_snat = false, ct = false,
             lb_output = false;
    };
    virtual Features features() const = 0;
};

}  // namespace weft::datapath
