// The service monitors of this host (Service_Monitor of ovn-sb(5)): each is checked by the chassis that has
// its logical port, with probes that go straight out of the port and answers that handle_svc_check() hands
// back.  A network function is alive while an ICMP echo request that goes in by one of its ports comes out of
// the other; both are then ports of this host.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controller/responders/service_check.h"
#include "controller/southbound_view.h"
#include "ovsdb/client/replica.h"
#include "packet/compose.h"
#include "packet/packet.h"

namespace weft::controller {

class ServiceMonitors {
  public:
    // A packet for the logical port with these keys.
    using Send = std::function<void(uint32_t datapath_key, uint32_t port_key, const packet::Packet&)>;

    // Takes over the rows.
    void update(const ovsdb::client::Replica& southbound, SouthboundView& view, const Uuid& chassis,
                int64_t now_ms);
    // Sends what is due.
    void run(int64_t now_ms, const Send& send);
    // When run() is wanted next; nullopt: never.
    std::optional<int64_t> due_ms() const;
    // A packet from a checked port.
    void received(uint32_t datapath_key, uint32_t port_key, ByteView frame, int64_t now_ms, const Send& send);
    void write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn);

  private:
    struct Monitor {
        ServiceCheck check;
        uint32_t datapath_key = 0, port_key = 0;
        uint32_t input_key = 0;  // of a network function: where the probe goes in; else the port
        packet::IpEndpoints ip;  // of the probe
        bool udp = false, icmp = false;
        uint16_t port = 0, source_port = 0;
        uint32_t sequence = 0;
    };
    packet::Packet probe(Monitor& monitor);
    std::map<Uuid, Monitor> monitors_;
};

}  // namespace weft::controller
