// What ovs-testcontroller makes of one switch: a switch that learns addresses, or a hub
// (ovs-testcontroller(8)).
//
// A pure state machine: messages of the switch go in, messages to it come out; no socket and no clock.
//
//     LearningSwitch learning(policy, Version::k13);
//     learning.greet(out);                              // once the version is agreed on
//     learning.handle(message, now_ms, out);            // `out`: whole messages to be sent
//
// A packet-in teaches where its sender is.  If its receiver is known, a flow is set up that takes such
// packets there, and the packet follows it; else the packet is flooded.  OpenFlow 1.0's match and its
// wildcards (OpenFlow 1.0, section 5.2.3) say what "such packets" are, in every version, since --wildcards is
// a number of that version.  What a flow sends to the
// controller on purpose is somebody else's, and left alone.  Addresses are forgotten after five minutes, and
// there are at most 65,536 of them.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "openflow/message.h"

namespace weft::cli::testcontroller {

struct Policy {
    static constexpr uint32_t kL2Only = 0x3820f0;  // what --wildcards alone means: also the tag's priority

    bool hub = false, set_up_flows = true, normal = false;
    uint32_t wildcards = 0;        // OpenFlow 1.0's
    uint16_t idle_timeout_s = 60;  // 0: permanent
    std::optional<uint32_t> queue;
    std::map<std::string, uint32_t> port_queues;  // by the name of the port that the packet came from
    std::vector<openflow::FlowMod> flows;         // pushed to each switch

    bool uses_queues() const { return queue || !port_queues.empty(); }
};

class LearningSwitch {
  public:
    // `policy` must outlive this.
    LearningSwitch(const Policy& policy, openflow::Version version) : policy_(policy), version_(version) {}

    void greet(Bytes& out);
    void handle(const openflow::Message& message, int64_t now_ms, Bytes& out);

    std::optional<uint64_t> datapath_id() const { return datapath_id_; }

  private:
    struct Station {
        uint32_t port = 0;
        int64_t seen_ms = 0;
    };
    void send(openflow::Body body, Bytes& out);
    void send_flow(const openflow::FlowMod& flow, Bytes& out);
    void add_ports(const std::vector<openflow::Port>& ports);
    void change_port(const openflow::PortStatus& status);
    void handle_packet(const openflow::PacketIn& in, int64_t now_ms, Bytes& out);
    void learn(const packet::Flow& flow, uint32_t port, int64_t now_ms);
    uint32_t destination(const packet::Flow& flow, uint32_t in_port, int64_t now_ms) const;
    openflow::ActionList actions_towards(uint32_t port, uint32_t in_port) const;

    const Policy& policy_;
    openflow::Version version_;
    uint32_t xid_ = 1;
    std::optional<uint64_t> datapath_id_;  // packets are looked at once the switch has told who it is
    HashMap<uint64_t, Station> stations_;  // by address, whatever the VLAN
    HashMap<uint32_t, uint32_t> queues_;   // of ports that have one of their own
};

}  // namespace weft::cli::testcontroller
