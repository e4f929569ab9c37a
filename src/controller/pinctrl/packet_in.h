// Packets that logical actions send to the controller: dispatched by the operation in their userdata
// (logical/controller_opcode.h) to one responder each.
//
// Most responders make a packet and send it back into the pipeline with the fields of the one that came,
// followed by the nested actions of the logical action.  Learning ones (put_arp, put_nd, put_fdb) remember
// what to write to the southbound database; write() does it when a transaction is open.
//
// What comes here was sent by tenants: any bytes.  A packet that is not what its operation is about is
// dropped.

#pragma once

#include <vector>

#include "controller/bridge_connection.h"
#include "controller/pinctrl/mac_learning.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "packet/packet.h"

namespace weft::controller {

// One packet on its way through a responder.
struct Arrived {
    const openflow::PacketIn& packet_in;
    packet::Flow flow;  // the packet's headers, and the switch's fields
    ByteView bytes;     // of the packet
    ByteView rest;      // of the userdata, after the operation
};

class PacketInHandler {
  public:
    PacketInHandler(net::Loop& loop, SouthboundView& view, BridgeConnection& bridge);

    // Writes what was learnt.
    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn) {
        learning_.write(southbound, txn);
    }

  private:
    void handle(const openflow::PacketIn& packet);
    // Sends `packet` on as the nested actions in `arrived.rest` say, with the fields of the packet that came.
    void send_with_nested(const Arrived& arrived, const packet::Packet& packet);
    // The packet that came goes on behind the action.
    void resume(const Arrived& arrived);

    net::Loop& loop_;
    BridgeConnection& bridge_;
    MacLearning learning_;
};

// The packets that responders make (made_packets.cc); an empty one if `arrived` is not of the kind that they
// answer.
packet::Packet make_arp_request(const Arrived& arrived);
packet::Packet make_neighbour_solicitation(const Arrived& arrived);
packet::Packet make_neighbour_advertisement(const Arrived& arrived, bool router);
packet::Packet make_icmp_error(const Arrived& arrived);
packet::Packet make_tcp_reset(const Arrived& arrived);
packet::Packet make_rejection(const Arrived& arrived);

}  // namespace weft::controller
