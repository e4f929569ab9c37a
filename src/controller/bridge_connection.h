// The OpenFlow connection to the integration bridge: keeps the switch's tables equal to what is desired, and
// carries packets in and out.
//
// After connecting, the switch may hold anything: a former controller's flows, an older version of ours.  In
// one atomic bundle all of it is replaced by what is desired, so packets see either the old network or the
// new one.  From then on only differences are sent. push() gives each batch a number; the batch is confirmed
// once the switch answered the barrier behind it.
//
// Several sources may want the same match at the same priority.  Flows of conjunctions then share it (their
// actions are joined); of others the first in order of their bytes counts, so that the result does not depend
// on history.
//
// The Geneve option that carries the logical ports is mapped to tun_metadata0 before any flow is sent. Errors
// of the switch are logged as warnings: they mean that a flow is missing.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/desired_flow.h"
#include "controller/group_sync.h"
#include "net/loop.h"
#include "openflow/action.h"
#include "openflow/messages/flow.h"
#include "openflow/messages/nicira.h"
#include "openflow/messages/packet.h"

namespace weft::controller {

class BridgeConnection {
  public:
    BridgeConnection(net::Loop& loop, FlowOutput& flows, GroupSync groups);
    ~BridgeConnection();

    void set_bridge(const std::string& name);  // connects to RUNDIR/NAME.mgmt, and again whenever that breaks
    // external_ids:ovn-openflow-probe-interval: a switch that is silent for so long is asked for a sign of
    // life, and after as long again without one the connection is made anew.  0: never.
    void set_probe_interval_ms(int64_t ms);
    void set_on_packet_in(std::function<void(openflow::PacketIn)> handler);
    void set_on_flow_statistics(std::function<void(const openflow::FlowStats&)> handler);
    void set_on_change(net::Loop::Callback handler);  // connected, disconnected, confirmed

    bool connected() const;  // and in step: changes can be sent
    // Sends what changed since the last time and returns the number of the last batch.
    uint64_t push();
    uint64_t confirmed() const;  // the last batch that the switch has

    void send_packet(const Bytes& packet, uint32_t in_port, const openflow::ActionList& actions);
    void resume(const openflow::PacketIn&
                    packet);  // a paused pipeline goes on, with the packet and fields as they are now
    void ask_flow_statistics(uint8_t table);  // the answers come by the handler, a flow a call
    void flush_ct_zone(uint16_t zone);
    void flush_connections(openflow::CtFlush which);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::controller
