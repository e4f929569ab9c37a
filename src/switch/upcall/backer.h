// A backer: the bridges of one datapath type and the datapath that carries them.
//
// All bridges of a type share one datapath, so a datapath port belongs to one bridge's port, or, for tunnels,
// to several, told apart by the packet's tunnel key.  The backer maps between the two, keeps the
// recirculation ids, and answers the datapath's upcalls (handle(), upcall.cc): translate, install the
// megaflow, carry the packet out.  What it installed it revalidates (revalidator.cc); what a switch before it
// had installed it looks up again before it takes over (inheritance.cc); what an operator puts by hand
// becomes its own with the next look (manual_flows.cc).

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "datapath/api/datapath.h"
#include "net/loop.h"
#include "switch/ofproto/bridge.h"
#include "switch/translate/recirculation.h"
#include "switch/translate/translate.h"
#include "switch/upcall/flow_limit.h"
#include "switch/upcall/megaflow_masks.h"
#include "switch/upcall/tunnel_map.h"

namespace weft::vswitch {

// A packet that goes to controllers.
struct PacketIn {
    Bridge* bridge = nullptr;
    packet::Packet packet;
    packet::Flow metadata;  // in OpenFlow's terms
    uint8_t table = 0;
    uint64_t cookie = 0;
    openflow::PacketInReason reason = openflow::PacketInReason::kAction;
    uint16_t controller_id = 0;
    uint16_t max_len = 0xffff;
    Bytes userdata;
    bool paused = false;
    uint32_t continuation = 0;  // recirculation id of the paused state
};
using PacketInSink = std::function<void(PacketIn)>;
// A packet of a protocol that the switch speaks on `port`; `key` is the datapath's.
using ProtocolSink =
    std::function<void(OfPort& port, SlowPath protocol, const packet::Packet&, const packet::Flow& key)>;

// A packet that a sampling action sent up; `in` is where it came in, nullptr: nowhere of ours.
using SampleSink = std::function<void(Bridge&, const UserAction&, const datapath::Upcall&, OfPort* in)>;

// The identifier of the flow with this match.
datapath::Ufid ufid_of(const packet::Flow& key, const packet::Flow& mask);
// The ids that the actions name, in their order.
void find_recirculations(const datapath::Actions& actions, std::vector<uint32_t>& out);

class Backer : public datapath::UpcallHandler {
  public:
    Backer(net::Loop& loop, std::string type, std::unique_ptr<datapath::Datapath> datapath);
    ~Backer() override;

    const std::string& type() const { return type_; }
    datapath::Datapath& datapath() { return *datapath_; }
    const datapath::Datapath& datapath() const { return *datapath_; }
    RecirculationTable& recirculations() { return recirculations_; }
    const TunnelMap& tunnels() const { return tunnels_; }

    // Bridges, made and owned here.
    Bridge& add_bridge(const std::string& name);
    void remove_bridge(const std::string& name);
    Bridge* bridge(std::string_view name) const;
    const std::map<std::string, std::unique_ptr<Bridge>, std::less<>>& bridges() const { return bridges_; }

    // Called after a port of a bridge was added, changed or is about to go.
    void map_port(OfPort& port);
    void unmap_port(OfPort& port);
    OfPort* peer_of(const OfPort& patch) const;  // nullptr: none (yet)
    // The port of a packet's key; tunnels by their key.
    OfPort* port_of(const packet::Flow& key) const;
    OfPort* port_by_datapath(datapath::PortNo number) const;

    void set_packet_in_sink(PacketInSink sink) { packet_in_ = std::move(sink); }
    void set_protocol_sink(ProtocolSink sink) { protocol_ = std::move(sink); }
    void set_sample_sink(SampleSink sink) { sample_ = std::move(sink); }
    void send_packet_in(PacketIn packet) {
        if (packet_in_) packet_in_(std::move(packet));
    }

    // What lies under tunnels that go through this datapath's bridges; nullptr: they all go by the host's
    // stack.
    void set_underlay(Underlay* underlay) {
        underlay_ = datapath_->features().tunnel_push_pop ? underlay : nullptr;
    }
    Underlay* underlay() const { return underlay_; }
    // Asks for the neighbours that a translation wants, as often as is right.
    void solicit(const TranslateOutput& output);

    // Runs `actions` (OpenFlow's) on a packet, as packet-out and resumed controllers' packets do.
    openflow::OfError packet_out(Bridge& bridge, packet::Packet packet, const packet::Flow& metadata,
                                 const openflow::ActionList& actions);
    // Sends a spanning tree protocol's own packet out of the port, whatever the tree says of it.
    void send_bpdu(OfPort& port, packet::Packet packet);
    // A paused packet that a controller gives back; false: its state is gone.
    bool resume(packet::Packet packet, packet::Flow metadata, uint32_t continuation);

    // --- connection tracking
    // What CT_Zone rows say: timeouts in seconds by name, by zone.  Zones with the same timeouts share a
    // policy.
    Result<void> set_zone_timeouts(std::map<uint16_t, std::map<std::string, uint32_t>> timeouts);
    // The name of the zone's policy, for datapath::Conntrack; "" if it has none.
    const std::string& zone_timeout_policy(uint16_t zone) const;
    // Limits of zones that had one from here and have none any more go back to the default.
    void set_zone_limits(std::optional<uint32_t> default_limit, const std::map<uint16_t, uint32_t>& limits);

    // --- megaflows
    void handle(std::vector<datapath::Upcall> upcalls) override;
    // Brings the datapath's flows in line with the tables and collects their statistics, now.
    void revalidate(bool force);
    void pull_statistics();  // so that counters of rules are exact
    void purge();            // deletes all megaflows, their statistics collected
    // Without masks every flow is one packet's (upcall/disable-megaflows).
    void use_masks(bool on) { wildcarding_ = on, purge(); }
    void pause_revalidation(bool paused) { paused_ = paused; }
    // By hand (manual_flows.cc).  Without an identifier the flow is the one that the key's packets meet, and
    // to delete it, it must have the same match.  The statistics are those from before.
    Result<datapath::FlowStats> put_by_hand(datapath::FlowPut put, bool identified);
    Result<datapath::FlowStats> delete_by_hand(const datapath::FlowPut& which, bool identified);
    size_t megaflows() const { return megaflows_.size(); }
    size_t flow_limit() const { return flow_limit_.now(); }
    void set_flow_limit(size_t limit) { flow_limit_.configure(limit); }
    int64_t max_idle_ms = 10000, revalidation_ms = 500;
    // While it waits, packets are not looked at: flow tables are being restored.
    void set_waiting(bool waiting);
    int64_t last_dump_ms() const { return last_dump_ms_; }
    size_t average_flows() const { return average_flows_; }
    size_t max_flows() const { return most_flows_; }
    uint64_t generation() const;

  private:
    // What the switch knows of a flow of the datapath, beside what the datapath itself keeps (get_flow()).
    struct Megaflow {
        EffectCache effects;
        RecirculationRefs recirculations;
        uint32_t recirc_id = 0;  // of the key: held too
        MegaflowMasks::Id mask = 0;
        datapath::FlowStats seen;
        int64_t created_ms = 0;
    };
    using Flows = HashMap<datapath::Ufid, std::unique_ptr<Megaflow>>;

    struct Lookup {
        Bridge* bridge = nullptr;
        OfPort* port = nullptr;
        const FrozenState* frozen = nullptr;
        packet::Flow flow;  // OpenFlow's
    };
    bool look_up(const packet::Flow& key, Lookup& lookup) const;
    void miss(datapath::Upcall& upcall);
    void user_action(datapath::Upcall& upcall);
    TranslateOutput translate_key(const packet::Flow& key, const Lookup& lookup, const packet::Packet* packet,
                                  bool effects, EffectCache* cache);
    void install(const packet::Flow& key, TranslateOutput& output, const Lookup& lookup);
    void remove(Flows::iterator it);
    void take_protocol(const datapath::Upcall& upcall, SlowPath protocol);
    void deliver(const TranslateOutput& output, const packet::Packet& packet, const packet::Flow& key);
    void act(datapath::Upcall& upcall);
    void execute(datapath::Upcall& upcall, const datapath::Actions& actions);
    openflow::OfError send(Bridge& bridge, packet::Packet packet, const packet::Flow& metadata,
                           const openflow::ActionList& actions, bool protocol);
    bool still_right(Megaflow& flow, const datapath::Ufid& ufid);
    void adopt_manual_flows();
    void account(Megaflow& flow, const datapath::FlowStats& now);
    void turn();
    void take_over_when_settled();
    void inherit_flows();
    bool inherit(const datapath::InheritedFlow& flow, HashMap<uint32_t, uint32_t>& ids);
    void hold_paused(uint32_t recirc_id);
    void linger(RecirculationRefs refs);

    net::Loop& loop_;
    std::string type_;
    std::unique_ptr<datapath::Datapath> datapath_;
    RecirculationTable recirculations_;
    TunnelMap tunnels_;
    std::map<std::string, std::unique_ptr<Bridge>, std::less<>> bridges_;
    HashMap<datapath::PortNo, OfPort*> by_datapath_port_;
    HashMap<std::string, OfPort*> patches_;
    PacketInSink packet_in_;
    std::map<uint16_t, std::map<std::string, uint32_t>> zone_timeouts_;
    std::map<uint16_t, std::string> zone_policies_;  // zone -> name
    std::map<std::string, std::map<std::string, uint32_t>> policies_;
    uint32_t last_policy_ = 0;
    std::map<uint16_t, uint32_t> zone_limits_;
    std::optional<uint32_t> default_zone_limit_;
    ProtocolSink protocol_;
    SampleSink sample_;
    Underlay* underlay_ = nullptr;
    Flows megaflows_;
    MegaflowMasks masks_;
    HashSet<datapath::Ufid> manual_flows_;  // put by hand, not looked at yet
    EffectCache effects_;                   // of the upcall at hand; kept for its memory
    FlowLimit flow_limit_{200000};
    size_t average_flows_ = 0, most_flows_ = 0;
    int64_t last_dump_ms_ = 1;
    uint64_t own_generation_ = 1;
    uint64_t validated_generation_ = 0;
    int64_t next_validation_ms_ = 0;
    bool paused_ = false;
    bool wildcarding_ = true;
    bool waiting_ = false;
    bool taken_over_ = false;  // Datapath::take_over() was called
    int64_t take_over_by_ms_ = 0;
    uint64_t settling_generation_ = 0;
    int settled_ = 0;  // looks in a row that found nothing new
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> timer_;
    std::vector<std::pair<int64_t, uint32_t>> paused_packets_;  // when to let go, recirculation id
    // Of packets that may be under way, whether or not a megaflow holds the ids: when to let go.
    std::deque<std::pair<int64_t, RecirculationRefs>> lingering_;
};

}  // namespace weft::vswitch
