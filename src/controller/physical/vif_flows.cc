// Ports with an interface on this host, and the containers inside of them, told apart by VLAN tags on that
// interface.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

void enter_pipeline(ActionBuilder& actions, const PortKeys& keys) {
    load_zones(actions, keys);
    actions.load(kFieldDatapath, keys.datapath).load_reg(kRegInport, keys.port).resubmit(kTableIngress);
}

}  // namespace

void emit_vif_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                    uint32_t ofport) {
    const uint32_t cookie = cookie_of(port.uuid);
    openflow::Match from;
    from.set_in_port(ofport);
    ActionBuilder in;
    enter_pipeline(in, keys);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 100, cookie, from, in.take()));

    emit_local_output_flows(view, port, keys, false);
    view.flows.emit(make_flow(kTableLogicalToPhysical, 100, cookie, outport_match(keys.datapath, keys.port),
                              ActionBuilder().output(ofport).take()));

    // A container's packet for its own VM leaves by the interface that it came in by.
    if (view.children[port.logical_port].empty()) return;
    openflow::Match nested = outport_match(keys.datapath, keys.port);
    nested.set_reg(kRegFlags, 1 << kFlagNestedContainer, 1 << kFlagNestedContainer);
    ActionBuilder hidden;
    hidden.push(openflow::FieldId::kInPort)
        .load(openflow::FieldId::kInPort, 0xffff)
        .resubmit(kTableLogicalToPhysical)
        .pop(openflow::FieldId::kInPort);
    view.flows.emit(make_flow(kTableSaveInport, 100, cookie, nested, hidden.take()));
}

void emit_container_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                          uint32_t parent_ofport) {
    if (!port.tag || *port.tag <= 0) return;  // not allocated yet
    const uint32_t cookie = cookie_of(port.uuid);
    const uint16_t tag = static_cast<uint16_t>(*port.tag);

    openflow::Match from;
    from.set_in_port(parent_ofport);
    from.set(openflow::FieldId::kVlanVid, tag | packet::kVlanCfi);
    ActionBuilder in;
    in.load_flag(kFlagNestedContainer, true).add(openflow::StripVlan());
    enter_pipeline(in, keys);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 150, cookie, from, in.take()));

    emit_local_output_flows(view, port, keys, true);
    ActionBuilder out;
    out.add(openflow::SetVlanVid{tag, true}).output(parent_ofport).add(openflow::StripVlan());
    view.flows.emit(
        make_flow(kTableLogicalToPhysical, 100, cookie, outport_match(keys.datapath, keys.port), out.take()));
}

}  // namespace weft::controller
