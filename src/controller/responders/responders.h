// The responders that remember something, and what each turn does for them: take over southbound rows, send
// what is due, write what was found out.
//
// A packet of theirs enters the logical network as a packet-out: out of one port, out of all ports of a
// switch on this host, or into a switch as if it came from one of its ports.

#pragma once

#include <memory>
#include <vector>

#include "controller/bridge_connection.h"
#include "controller/physical/action_builder.h"
#include "controller/responders/bfd_sessions.h"
#include "controller/responders/buffered_packets.h"
#include "controller/responders/dns_table.h"
#include "controller/responders/load_balancer_events.h"
#include "controller/responders/multicast_snooping.h"
#include "controller/responders/periodic_advertisements.h"
#include "controller/responders/prefix_clients.h"
#include "controller/responders/service_monitors.h"
#include "controller/southbound_view.h"
#include "incremental/step.h"
#include "net/loop.h"
#include "ovsdb/client/replica.h"

namespace weft::controller {

class Responders {
  public:
    Responders(net::Loop& loop, SouthboundView& view, BridgeConnection& bridge);

    // Each turn, in this order.  Before the replica's clear_changes():
    void note_changes(const ovsdb::client::Replica& southbound);
    // After the view's engine is up to date; `chassis` is this host's row or null.
    void run(const ovsdb::client::Replica& southbound, const schema::sb::Chassis* chassis);
    void write(const ovsdb::client::Replica& southbound, const schema::sb::Chassis& chassis,
               ovsdb::client::Transaction& txn);

    // What packets tell.
    void hold(uint32_t datapath_key, uint32_t port_key, const std::string& next_hop, WaitingPacket packet);
    void resolved(uint32_t datapath_key, uint32_t port_key, const std::string& next_hop,
                  const packet::EthAddr& mac);
    void service_answered(uint32_t datapath_key, uint32_t port_key, ByteView frame);
    // Reports go on to routers, queries to all (RFC 4541 section 2.1.1).
    void multicast_received(const packet::Flow& flow, ByteView frame);
    void bfd_received(uint32_t datapath_key, uint32_t port_key, ByteView frame);
    void prefix_reply(uint32_t datapath_key, uint32_t port_key, ByteView frame);
    void event(LoadBalancerEvents::Information information);

    const DnsTable& names() const { return names_; }

  private:
    void send_out(uint32_t datapath_key, uint32_t port_key, const packet::Packet& packet);
    void send_in(uint32_t datapath_key, uint32_t port_key, const packet::Packet& packet);
    void flood(uint32_t datapath_key, const packet::Packet& packet);
    // The key of the switch's multicast group of that name; 0: there is none.
    uint32_t group_key(uint32_t datapath_key, const std::string& name);
    // A packet goes on in its logical pipeline, with its registers, at this table.
    void go_on(const packet::Flow& flow, ActionBuilder changes, uint8_t table, ByteView frame);
    void take_over_rows(const ovsdb::client::Replica& southbound, const schema::sb::Chassis& chassis,
                        int64_t now_ms);
    void arm(int64_t now_ms);

    net::Loop& loop_;
    SouthboundView& view_;
    BridgeConnection& bridge_;
    std::unique_ptr<net::Loop::Timer> timer_;

    DnsTable names_;
    BufferedPackets buffered_;
    LoadBalancerEvents events_;
    ServiceMonitors services_;
    MulticastSnooping multicast_;
    PeriodicAdvertisements advertisements_;
    PrefixClients prefixes_;
    BfdSessions bfd_;

    bool rows_changed_ = false;
    incremental::Step find_datapaths_{view_.engine, "find datapaths to respond in"};
    std::vector<Uuid> local_datapaths_;
};

}  // namespace weft::controller
