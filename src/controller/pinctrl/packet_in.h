// Packets that logical actions send to the controller: dispatched by the operation in their userdata
// (logical/controller_opcode.h) to one responder each.
//
// Some operations make a packet and send it back into the pipeline with the fields of the one that came,
// followed by the nested actions of the logical action (made_packets.cc).  Others pause the pipeline and let
// it go on with the packet turned into an answer, if there is one (paused_answers.cc).  The rest only tell
// something to whoever remembers it (responders/): what is to be written to the southbound database is
// written by write() when a transaction is open.
//
// What comes here was sent by tenants: any bytes.  A packet that is not what its operation is about is
// dropped.

#pragma once

#include <vector>

#include "controller/bridge_connection.h"
#include "controller/flow_tables.h"
#include "controller/pinctrl/mac_learning.h"
#include "controller/port_requests.h"
#include "controller/responders/responders.h"
#include "controller/southbound_view.h"
#include "logical/controller_opcode.h"
#include "ovsdb/client/replica.h"
#include "packet/packet.h"

namespace weft::controller {

// One packet on its way through a responder.
struct Arrived {
    logical::ControllerOpcode opcode;
    const openflow::PacketIn& packet_in;
    packet::Flow flow;  // the packet's headers, and the switch's fields
    ByteView bytes;     // of the packet
    ByteView rest;      // of the userdata, after the operation

    uint32_t datapath_key() const { return static_cast<uint32_t>(flow.metadata.get()); }
    uint32_t port_key() const { return flow.regs[kRegInport]; }
};

class PacketInHandler {
  public:
    PacketInHandler(net::Loop& loop, SouthboundView& view, BridgeConnection& bridge);

    // Each turn, as responders/responders.h says.
    void note_changes(const ovsdb::client::Replica& southbound) { responders_.note_changes(southbound); }
    void run(const ovsdb::client::Replica& southbound, const schema::sb::Chassis* chassis) {
        responders_.run(southbound, chassis);
    }
    // Writes what was learnt.
    void write(const ovsdb::client::Replica& southbound, const schema::sb::Chassis& chassis,
               ovsdb::client::Transaction& txn) {
        learning_.write(southbound, txn);
        requests_.write(txn);
        responders_.write(southbound, chassis, txn);
    }

  private:
    void handle(const openflow::PacketIn& packet);
    // Sends `packet` on as the nested actions in `arrived.rest` say, with the fields of the packet that came.
    void send_with_nested(const Arrived& arrived, const packet::Packet& packet);
    // The paused packet that came goes on behind the action: as `answer`, if there is one, and with that
    // stored where the action says.
    void resume(const Arrived& arrived, const openflow::Subfield& result, std::optional<Bytes> answer);
    // arp and nd_ns: asks for the next hop, and keeps the packet until it is known.
    void resolve(const Arrived& arrived);
    // put_arp and put_nd.
    void learn_neighbour(const Arrived& arrived);
    void log_acl(const Arrived& arrived);
    void bind_virtual_port(const Arrived& arrived);
    void set_frag_mtu(const Arrived& arrived);
    // What pauses the pipeline: makes the answer and resumes.
    void answer(const Arrived& arrived);
    std::optional<Bytes> answer_to(const Arrived& arrived, ByteView parameters);
    // The southbound port that the packet came from, by its keys; null if there is none (any more).
    const schema::sb::PortBinding* port_of(const Arrived& arrived);

    net::Loop& loop_;
    SouthboundView& view_;
    BridgeConnection& bridge_;
    MacLearning learning_;
    PortRequests requests_;
    Responders responders_;
};

// The packets that responders make (made_packets.cc); an empty one if `arrived` is not of the kind that they
// answer.
packet::Packet make_arp_request(const Arrived& arrived);
packet::Packet make_neighbour_solicitation(const Arrived& arrived);
packet::Packet make_neighbour_advertisement(const Arrived& arrived, bool router);
packet::Packet make_icmp_error(const Arrived& arrived);
packet::Packet make_tcp_reset(const Arrived& arrived);
packet::Packet make_sctp_abort(const Arrived& arrived);
packet::Packet make_rejection(const Arrived& arrived);
// The paused ICMP error that came, with the MTU of the action (icmp4.frag_mtu, icmp6.frag_mtu); nullopt if it
// is no ICMP packet.
std::optional<Bytes> with_frag_mtu(const Arrived& arrived);

}  // namespace weft::controller
