// Table 39: ports that live on another chassis.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

void emit_remote_flows(SouthboundView& view, const schema::sb::PortBinding& port, const PortKeys& keys) {
    if (port.type == "localport" || !port.chassis || view.is_own_chassis(port.chassis)) return;
    const Tunnel* tunnel = view.tunnel_to(*port.chassis);
    if (!tunnel) return;
    ActionBuilder actions;
    send_by_tunnel(actions, *tunnel, keys.datapath, keys.port, false);
    actions.resubmit(kTableLocalOutput);
    view.flows.emit(make_flow(kTableRemoteOutput, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), actions.take()));
}

}  // namespace weft::controller
