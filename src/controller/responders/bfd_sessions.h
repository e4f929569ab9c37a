// The BFD sessions of this host's gateway ports with their next hops (BFD of ovn-sb(5); single hop, RFC
// 5881): each row is a session of the chassis that has its logical port, whose status it tells.
//
// Control packets enter the router as if they came from their port, and the router finds the next hop's
// address; answers come back by handle_bfd_msg().

#pragma once

#include <functional>
#include <map>
#include <optional>

#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "packet/bfd_session.h"
#include "packet/compose.h"
#include "packet/packet.h"

namespace weft::controller {

class BfdSessions {
  public:
    // A packet that comes into the router by the port with these keys.
    using Send = std::function<void(uint32_t datapath_key, uint32_t port_key, const packet::Packet&)>;

    // Takes over the rows.
    void update(const ovsdb::client::Replica& southbound, SouthboundView& view, const Uuid& chassis,
                int64_t now_ms);
    void run(int64_t now_ms, const Send& send);
    std::optional<int64_t> due_ms() const;
    // A packet to the port with these keys.  True if a status changed.
    bool received(uint32_t datapath_key, uint32_t port_key, ByteView frame, int64_t now_ms, const Send& send);
    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);

  private:
    struct Session {
        packet::BfdSession protocol;
        uint32_t datapath_key = 0, port_key = 0;
        packet::IpEndpoints ip;
        uint16_t source_port = 0;
    };
    void send_due(Session& session, int64_t now_ms, const Send& send);
    std::map<Uuid, Session> sessions_;
};

}  // namespace weft::controller
