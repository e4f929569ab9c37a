// Patch ports: between a logical switch and a logical router a packet goes from one pipeline's end to the
// other's start.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

void emit_patch_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys) {
    const sb::PortBinding* peer = view.port_named(std::string(ovsdb::get_string(port.options, "peer")));
    // It need not be local: then no packet of the other pipeline finds a flow.
    const sb::DatapathBinding* peer_datapath = peer ? view.value(view.datapaths, peer->datapath) : nullptr;
    if (!peer_datapath) return;
    PortKeys peer_keys = keys_of(view, *peer, static_cast<uint32_t>(peer_datapath->tunnel_key));

    emit_local_output_flows(view, port, keys, false);

    // The other pipeline must not see anything of this one.
    ActionBuilder inside;
    inside.add(openflow::CtClear()).load_reg(kRegDnatZone, 0).load_reg(kRegSnatZone, 0);
    load_zone(inside, 0, keys.keep_encap);
    enter_pipeline(inside, peer_keys);
    inside.load_reg(kRegFlags, 0).load_reg(kRegOutport, 0);
    for (unsigned n = 0; n < kLogicalRegisters; ++n) inside.load_reg(n, 0);
    inside.resubmit(kTableIngress);
    view.flows.emit(make_flow(kTableLogicalToPhysical, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port),
                              ActionBuilder().add(openflow::Clone{inside.take()}).take()));
}

}  // namespace weft::controller
