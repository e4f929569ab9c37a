// Table 0, packets from tunnels: the logical datapath and ports are in the tunnel's header.  Geneve carries
// all three; VXLAN has 24 bits, 12 for the datapath and 12 for the output port (its top bit: a multicast
// group).

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace {

using openflow::FieldId;

openflow::Match in_port(uint32_t port) {
    openflow::Match match;
    match.set_in_port(port);
    return match;
}

void emit_geneve(SouthboundView& view, uint32_t port) {
    ActionBuilder actions;
    actions.move(FieldId::kTunId, 0, kFieldDatapath, 0, 24)
        .move(FieldId::kTunMetadata0, 16, openflow::reg_field(kRegInport), 0, 15)
        .move(FieldId::kTunMetadata0, 0, openflow::reg_field(kRegOutport), 0, 16)
        .resubmit(kTableLocalOutput);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 100, 0, in_port(port), actions.take()));
}

void emit_vxlan(SouthboundView& view, uint32_t port) {
    ActionBuilder unicast;
    unicast.move(FieldId::kTunId, 12, openflow::reg_field(kRegOutport), 0, 12)
        .move(FieldId::kTunId, 0, kFieldDatapath, 0, 12)
        .resubmit(kTableLocalOutput);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 100, 0, in_port(port), unicast.take()));

    ActionBuilder multicast;
    multicast.load(openflow::reg_field(kRegOutport), 1, 15, 1)
        .move(FieldId::kTunId, 12, openflow::reg_field(kRegOutport), 0, 11)
        .move(FieldId::kTunId, 0, kFieldDatapath, 0, 12)
        .resubmit(kTableLocalOutput);
    openflow::Match match = in_port(port);
    match.set(FieldId::kTunId, 0x800000, 0x800000);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 105, 0, match, multicast.take()));
}

}  // namespace

void emit_tunnel_flows(SouthboundView& view, const std::string& chassis) {
    for (const Tunnel& tunnel : *view.tunnels.find(chassis)) {
        if (tunnel.type == "geneve") {
            emit_geneve(view, tunnel.ofport);
        } else if (tunnel.type == "vxlan") {
            emit_vxlan(view, tunnel.ofport);
        }
    }
}

void write_tunnel_header(ActionBuilder& actions, const Tunnel& tunnel, uint32_t datapath_key,
                         uint32_t outport_key, bool multicast) {
    if (tunnel.type == "vxlan") {
        uint64_t vni = (outport_key & 0x7ff) << 12 | (datapath_key & 0xfff);
        if (multicast) vni |= 0x800000;
        actions.load(FieldId::kTunId, vni, 0, 24);
    } else {
        actions.load(FieldId::kTunId, datapath_key, 0, 24);
        openflow::FieldValue value =
            openflow::FieldValue::from_u64(openflow::field(FieldId::kTunMetadata0), outport_key);
        openflow::FieldValue mask =
            openflow::FieldValue::from_u64(openflow::field(FieldId::kTunMetadata0), 0xffffffff);
        actions.add(openflow::SetField::make(FieldId::kTunMetadata0, value, mask));
        actions.move(openflow::reg_field(kRegInport), 0, FieldId::kTunMetadata0, 16, 15);
    }
}

void emit_by_encap(SouthboundView& view, uint8_t table, uint16_t priority, uint32_t cookie,
                   const openflow::Match& match,
                   const std::function<openflow::ActionList(uint16_t)>& actions_for) {
    std::string usual;
    for (uint16_t encap : view.own_encaps()) {
        openflow::ActionList actions = actions_for(encap);
        if (actions.empty()) continue;
        openflow::Match leaving = match;
        if (encap)
            leaving.set_reg(kRegZone, static_cast<uint32_t>(encap) << kEncapShift, 0xffffu << kEncapShift);
        DesiredFlow flow =
            make_flow(table, static_cast<uint16_t>(priority + (encap ? 1 : 0)), cookie, leaving, actions);
        if (!encap) usual = flow.instructions;
        if (!encap || flow.instructions != usual) view.flows.emit(std::move(flow));
    }
}

void send_by_tunnel(ActionBuilder& actions, const Tunnel& tunnel, uint32_t datapath_key, uint32_t outport_key,
                    bool multicast) {
    write_tunnel_header(actions, tunnel, datapath_key, outport_key, multicast);
    actions.output(tunnel.ofport);
}

}  // namespace weft::controller
