// chassisredirect ports: a router's packets for its distributed gateway port go to the chassis that serves it
// and become packets for the port itself there.

#include "controller/ha_chassis.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

// Here: the egress pipeline is the distributed port's.
void emit_served_here(SouthboundView& view, const sb::PortBinding& port, const sb::PortBinding& distributed,
                      const PortKeys& keys) {
    ActionBuilder deliver;
    deliver.load_reg(kRegOutport, static_cast<uint32_t>(distributed.tunnel_key));
    PortKeys router = keys;
    router.zone = 0;
    load_zones(deliver, router);
    deliver.resubmit(kTableCheckLoopback);
    view.flows.emit(make_flow(kTableLocalOutput, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), deliver.take()));
}

// options:redirect-type=bridged: through the physical network instead of a tunnel.
bool emit_bridged(SouthboundView& view, const sb::PortBinding& port, const sb::PortBinding& distributed,
                  const PortKeys& keys) {
    const std::string* peer_name = distributed.options.find("peer");
    const sb::PortBinding* peer = peer_name ? view.port_named(*peer_name) : nullptr;
    const sb::PortBinding* localnet = peer ? view.localnet_of(peer->datapath) : nullptr;
    const LocalDatapath* network = localnet ? view.local_datapath(peer->datapath) : nullptr;
    if (!network || distributed.mac.empty()) return false;
    const std::string& text = *distributed.mac.begin();
    auto mac = packet::parse_eth(text.substr(0, text.find(' ')));
    if (!mac) return false;
    ActionBuilder out;
    out.add(openflow::SetEthSrc{*mac})
        .load(kFieldDatapath, network->key)
        .load_reg(kRegOutport, static_cast<uint32_t>(localnet->tunnel_key))
        .resubmit(kTableLogicalToPhysical);
    view.flows.emit(make_flow(kTableLocalOutput, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), out.take()));
    return true;
}

// The switch itself sends to the first member that BFD says is alive.
openflow::ActionList to_first_alive(SouthboundView& view, const std::vector<HaMember>& members,
                                    const PortKeys& keys, uint16_t encap) {
    openflow::Bundle bundle;
    const Tunnel* first = nullptr;
    for (const HaMember& member : members) {
        if (view.is_own_chassis(member.chassis)) continue;
        const Tunnel* tunnel = view.tunnel_to(member.chassis, encap);
        if (!tunnel) continue;
        // One header for all: those of another kind of tunnel cannot be among them.
        if (first && (first->type == "vxlan") != (tunnel->type == "vxlan")) continue;
        if (!first) first = tunnel;
        bundle.members.push_back(tunnel->ofport);
    }
    ActionBuilder actions;
    if (!first) return actions.take();
    write_tunnel_header(actions, *first, keys.datapath, keys.port, false);
    return actions.add(Boxed<openflow::Bundle>(std::move(bundle))).take();
}

}  // namespace

void emit_gateway_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys) {
    const std::string* name = port.options.find("distributed-port");
    const sb::PortBinding* distributed = name ? view.port_named(*name) : nullptr;
    if (view.is_own_chassis(port.chassis)) {
        if (distributed) emit_served_here(view, port, *distributed, keys);
        return;
    }
    if (distributed && ovsdb::get_string(port.options, "redirect-type") == "bridged" &&
        emit_bridged(view, port, *distributed, keys))
        return;
    std::vector<HaMember> members;
    if (port.ha_chassis_group) members = ha_members(view, *port.ha_chassis_group);
    if (members.size() < 2) return emit_remote_flows(view, port, keys);

    emit_by_encap(view, kTableRemoteOutput, 100, cookie_of(port.uuid),
                  outport_match(keys.datapath, keys.port),
                  [&](uint16_t encap) { return to_first_alive(view, members, keys, encap); });
}

}  // namespace weft::controller
