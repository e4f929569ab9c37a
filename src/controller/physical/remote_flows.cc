// Table 39: ports that live on another chassis, or on another chassis too.  On a switch with a physical
// network packets for them take that instead of a tunnel, but for ports that are on several chassis: the
// network would deliver to one.  With NB_Global:options:always_tunnel workloads are reached by tunnel anyway,
// so that the physical network does not see the Ethernet addresses of distributed routers.
//
// A port may say by which of its chassis' addresses it wants to be reached (`encap` of ovn-sb(5)), and the
// interface from which a packet comes by which of ours it is to leave.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

std::vector<const Tunnel*> tunnels_to(SouthboundView& view, const sb::PortBinding& port, uint16_t encap) {
    std::vector<const Tunnel*> tunnels;
    auto add = [&](const Uuid& chassis) {
        if (view.is_own_chassis(chassis)) return;
        if (const Tunnel* tunnel = view.tunnel_to(chassis, encap, view.encap_of(port, chassis)))
            tunnels.push_back(tunnel);
    };
    if (port.chassis) add(*port.chassis);
    for (const Uuid& chassis : port.additional_chassis) add(chassis);
    return tunnels;
}

// What the port's packets are sent to by way of the physical network.
void emit_by_localnet(SouthboundView& view, const sb::PortBinding& port, const sb::PortBinding& localnet,
                      const PortKeys& keys) {
    ActionBuilder actions;
    actions.load_reg(kRegOutport, static_cast<uint32_t>(localnet.tunnel_key)).resubmit(kTableLocalOutput);
    view.flows.emit(make_flow(kTableLocalOutput, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), actions.take()));
    // A port that is on several chassis, and so known to the physical network at one of them, is answered by
    // tunnel.
    for (const Uuid& uuid : view.multichassis[port.datapath]) {
        const sb::PortBinding* source = view.port(uuid);
        if (!source) continue;
        openflow::Match match = outport_match(keys.datapath, keys.port);
        match.set_reg(kRegInport, static_cast<uint32_t>(source->tunnel_key));
        emit_by_encap(view, kTableRemoteOutput, 110, cookie_of(port.uuid), match, [&](uint16_t encap) {
            ActionBuilder out;
            for (const Tunnel* tunnel : tunnels_to(view, port, encap))
                send_by_tunnel(out, *tunnel, keys.datapath, keys.port, false);
            return out.take();
        });
    }
}

}  // namespace

void emit_remote_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys) {
    if (port.type == "localport" || port.type == "localnet") return;
    const bool is_workload = port.type.empty() || port.type == "virtual" || port.type == "external";
    const sb::PortBinding* localnet = is_workload ? view.localnet_of(port.datapath) : nullptr;
    const bool* always_tunnel = view.always_tunnel.find({});
    if (port.type != "external" && always_tunnel && *always_tunnel) localnet = nullptr;
    if (localnet && port.additional_chassis.empty()) {
        if (port.type == "external" || !view.is_here(port)) emit_by_localnet(view, port, *localnet, keys);
        return;
    }
    emit_by_encap(view, kTableRemoteOutput, 100, cookie_of(port.uuid),
                  outport_match(keys.datapath, keys.port), [&](uint16_t encap) {
                      ActionBuilder actions;
                      std::vector<const Tunnel*> tunnels = tunnels_to(view, port, encap);
                      if (tunnels.empty()) return actions.take();
                      // What a hardware gateway sent may have to go back there, by the tunnel that it came
                      // from.
                      if (port.type == "vtep") actions.load(openflow::FieldId::kInPort, 0xffff);
                      for (const Tunnel* tunnel : tunnels)
                          send_by_tunnel(actions, *tunnel, keys.datapath, keys.port, false);
                      return actions.resubmit(kTableLocalOutput).take();
                  });
}

}  // namespace weft::controller
