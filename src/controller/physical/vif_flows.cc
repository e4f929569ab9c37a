// Ports with an interface on this host, and the containers inside of them, told apart by VLAN tags on that
// interface.

#include <algorithm>

#include "controller/configuration.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "logical/controller_opcode.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

constexpr uint16_t kRarp = 0x8035;  // RFC 903
constexpr uint32_t kActivationOpcode = static_cast<uint32_t>(logical::ControllerOpcode::kActivation);

// A virtual machine that is on its way here (options:activation-strategy=rarp): the port is closed until the
// machine announces itself by RARP, which it does when it begins to run here.
void emit_activation_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                           uint32_t ofport) {
    const uint32_t cookie = cookie_of(port.uuid);
    openflow::Match rarp;
    rarp.set_in_port(ofport);
    rarp.set_dl_type(kRarp);
    ActionBuilder in;
    enter_pipeline(in, keys);
    openflow::Controller controller;
    controller.userdata.resize(8);
    store_be32(controller.userdata.data(), kActivationOpcode);
    in.add(openflow::Boxed<openflow::Controller>(std::move(controller))).resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 1010, cookie, rarp, in.take()));

    openflow::Match other;
    other.set_in_port(ofport);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 1000, cookie, other, {}));
    view.flows.emit(
        make_flow(kTableLogicalToPhysical, 1000, cookie, outport_match(keys.datapath, keys.port), {}));
}

// A localport's packets stay on this host.
void emit_localport_flow(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys) {
    openflow::Match match = datapath_match(keys.datapath);
    match.set_reg(kRegInport, keys.port);
    view.flows.emit(make_flow(kTableRemoteOutput, 150, cookie_of(port.uuid), match,
                              ActionBuilder().resubmit(kTableLocalOutput).take()));
}

}  // namespace

bool waits_for_activation(SouthboundView& view, const sb::PortBinding& port) {
    const Uuid* own = view.own_chassis.find({});
    if (!own || !port.additional_chassis.contains(*own)) return false;
    if (ovsdb::get_string(port.options, "activation-strategy") != "rarp") return false;
    const sb::Chassis* chassis = view.value(view.chassis, *own);
    std::vector<std::string> activated =
        split_words(ovsdb::get_string(port.options, "additional-chassis-activated"));
    return chassis && std::find(activated.begin(), activated.end(), chassis->name) == activated.end();
}

void emit_vif_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                    uint32_t ofport) {
    const uint32_t cookie = cookie_of(port.uuid);
    openflow::Match from;
    from.set_in_port(ofport);
    ActionBuilder in;
    enter_pipeline(in, keys);
    if (port.type == "localport") {
        in.load_flag(kFlagFromLocalport, true);
        emit_localport_flow(view, port, keys);
    }
    in.resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 100, cookie, from, in.take()));
    if (waits_for_activation(view, port)) emit_activation_flows(view, port, keys, ofport);

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
    view.flows.emit(make_flow(kTableSaveInport, 100, 0, nested, hidden.take()));
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
    in.resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 150, cookie, from, in.take()));

    emit_local_output_flows(view, port, keys, true);
    ActionBuilder out;
    out.add(openflow::SetVlanVid{tag, true}).output(parent_ofport).add(openflow::StripVlan());
    view.flows.emit(
        make_flow(kTableLogicalToPhysical, 100, cookie, outport_match(keys.datapath, keys.port), out.take()));
}

}  // namespace weft::controller
