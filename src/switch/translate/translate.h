// Translation: a packet's walk through a bridge's OpenFlow tables, as datapath actions and the mask of every
// bit that decided them (the megaflow).
//
// What: translate() takes the key of a packet, in OpenFlow's terms (in_port is the OpenFlow port,
// tun_metadata lies as the bridge's TunnelTable says), and gives the actions that every packet that is equal
// under `mask` must undergo.  The un-cached walk is the truth; the datapath's flows are copies of it.
//
// Side effects (MAC learning, learn actions, counters) happen only if `effects` is set; what must happen
// again for each packet that hits the cached flow is noted in an EffectCache, which replays without walking.
//
// Limits: tables nest 64 deep and at most 4096 resubmits happen; beyond, the packet is dropped with an error,
// as for a recirculation that is unknown.

#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "datapath/api/action.h"
#include "explain/drop_reason.h"
#include "packet/packet.h"
#include "switch/ofproto/bridge.h"
#include "switch/protocols/netflow.h"
#include "switch/translate/recirculation.h"
#include "switch/translate/trace.h"
#include "switch/translate/user_action.h"

namespace weft::vswitch {

class Backer;
class Underlay;

// What a hit of the cached flow does to the switch.  Bridges are named by pointers: before one goes, all
// megaflows do (Backer::remove_bridge()).
struct EffectCache {
    // A table that was looked up and the rule that came out.  Nearly all effects are these, so they have a
    // list of their own, of two words each.
    struct Visit {
        RuleRef rule;                 // null: none was found, and a next table was asked
        uint64_t* lookups = nullptr;  // FlowTable::matched or missed; nullptr: no table was asked
    };
    std::vector<Visit> visits;

    struct CountPatch {  // one packet leaves by `out` and enters by `in`
        Bridge *out_bridge, *in_bridge;
        uint32_t out, in;
    };
    struct CountTunnel {
        Bridge* bridge;
        uint32_t port;
        bool transmit;
    };
    struct LearnMac {
        Bridge* bridge;
        packet::EthAddr mac;
        uint16_t vlan;
        std::string bundle;
        bool lock = false;
    };
    struct CountBond {  // load of a bucket
        Bridge* bridge;
        std::string bundle;
        uint8_t bucket;
    };
    struct LearnFlow {
        Bridge* bridge;
        std::shared_ptr<FlowChange> change;
        uint32_t limit;
        RuleRef learner;  // null: a packet-out; what has left its table learns no more
    };
    struct CountGroup {
        Ref<GroupEntry> group;
        uint32_t bucket;  // UINT32_MAX: the group alone
    };
    struct CountMirror {
        Bridge* bridge;
        std::string mirror;
    };
    struct CountNetflow {
        Bridge* bridge;
        NetflowKey key;
        uint16_t output;
    };
    struct FinTimeout {
        Bridge* bridge;  // the rule's, which lives while that is in a table
        RuleRef rule;
        uint16_t idle, hard;
    };
    struct LearnNeighbour {
        Underlay* underlay;
        std::string bridge;
        packet::Ipv6Addr address;
        packet::EthAddr mac;
    };
    struct UseNeighbour {
        Underlay* underlay;
        std::string bridge;
        packet::Ipv6Addr address;
    };
    using Effect = std::variant<CountPatch, CountTunnel, LearnMac, LearnFlow, CountGroup, CountMirror,
                                CountBond, CountNetflow, FinTimeout, LearnNeighbour, UseNeighbour>;
    std::vector<Effect> effects;

    // `packets` more have hit the flow.
    void replay(uint64_t packets, uint64_t bytes, uint16_t tcp_flags, int64_t now_ms) const;
    void clear() {
        visits.clear();
        effects.clear();
    }
};

struct TranslateInput {
    Backer* backer = nullptr;
    Bridge* bridge = nullptr;
    packet::Flow flow;
    const packet::Packet* packet = nullptr;  // if there is one
    const FrozenState* frozen = nullptr;     // the packet comes back
    bool effects = false;
    uint16_t tcp_flags = 0;
    // Instead of looking up table 0 (packet-out, trace-packet-out).
    const openflow::ActionList* actions = nullptr;
    uint8_t first_table = 0;
    bool protocol = false;  // `packet` is the switch's own: no spanning tree holds it back
    std::list<TraceNode>* trace = nullptr;
    bool trace_names = false;  // ports and tables by name
    EffectCache* cache = nullptr;
};

enum class TranslateError : uint8_t {
    kNone,
    kTooDeep,
    kTooManyResubmits,
    kStackTooDeep,
    kNoRecirculation,
    kBridgeNotFound,
    kTunnelNoDestination,
    kForwardingDisabled,
    kUnsupportedPacketType,
    kTooManyLabels
};
const char* error_text(TranslateError error);

// A BPDU that a patch port carried to a bridge that speaks a spanning tree protocol.
struct ProtocolDelivery {
    std::string bridge;
    uint32_t port = 0;
};

// The link-layer address of a tunnel's next hop is wanted, in the network of a bridge's device.
struct Solicitation {
    std::string bridge;
    packet::EthAddr mac{};      // of the device
    packet::Ipv6Addr source{};  // IPv4 in mapped form
    packet::Ipv6Addr target{};
};

// A packet that a traced translation sent round: what it was then.
struct TraceRecirculation {
    uint32_t id = 0;
    packet::Flow flow;
    bool conntrack = false;
    std::string translated = {};  // how `flow` was before NAT and is now, as text
};

struct TranslateOutput {
    datapath::Actions actions;
    packet::Flow mask = packet::zero_flow();  // in OpenFlow's terms, as `flow`
    packet::Flow final_flow;                  // what the pipeline made of the packet
    TranslateError error = TranslateError::kNone;
    explain::DropReason drop = explain::DropReason::kNone;
    // The megaflow hands its packets up.  With kAction `actions` is what becomes of this one; else it belongs
    // to a protocol of the switch, and `actions` is empty.
    SlowPath slow = SlowPath::kNone;
    std::vector<ProtocolDelivery> deliveries;
    std::vector<Solicitation> solicitations;  // Backer::solicit()
    RecirculationRefs recirculations;
    std::vector<TraceRecirculation> trace_recirculations;  // only when traced
};

TranslateOutput translate(const TranslateInput& input);

// What a packet comes back with when a bond's hash is known; equal for all packets of the bond.
FrozenState bond_state(const Bridge& bridge, const Bundle& bundle);

// Adds the flow of a learn action, or makes it young again; false: refused (`limit` flows of its cookie are
// there).
bool apply_learned(Bridge& bridge, const FlowChange& change, uint32_t limit);
// Whether the limit of flows that one action may have made (0: none) lets it make this one.
bool may_learn(const Bridge& bridge, const FlowChange& change, uint32_t limit);
// fin_timeout: the connection of the rule ended.
void shorten_timeouts(Bridge& bridge, Rule& rule, uint16_t idle, uint16_t hard);

// A packet's key from the datapath, in OpenFlow's terms, and back for the megaflow.
packet::Flow to_openflow_key(const packet::Flow& key, const openflow::TunnelTable& table,
                             uint32_t ofp_in_port);
packet::Flow to_datapath_mask(const packet::Flow& key, const packet::Flow& mask,
                              const openflow::TunnelTable& table);
// Whether there is a tag is part of what a packet is; so is a second one behind the first.
void match_tags(const packet::Flow& key, packet::Flow& mask);
// A tunnel key whose Geneve options are the fields that are present, raw.
packet::Tunnel to_datapath_tunnel(const packet::Tunnel& tunnel, const openflow::TunnelTable& table);

}  // namespace weft::vswitch
