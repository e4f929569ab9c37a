// Ports of type mirror: what logical flows send to one goes out of the interface of the port that gets the
// copies, or by tunnel to the chassis where that is.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/ethernet.h"

namespace weft::controller {

namespace sb = schema::sb;

void emit_mirror_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys) {
    const sb::PortBinding* sink = port.mirror_port ? view.port_named(*port.mirror_port) : nullptr;
    uint32_t ofport = sink && sink->type.empty() ? local_ofport(view, *sink) : 0;
    if (!ofport) return emit_remote_flows(view, port, keys);
    bool is_container = sink->parent_port && !sink->parent_port->empty();
    if (is_container && !sink->tag) return;  // not allocated yet
    // A copy of what the sink itself sent goes back out of the interface that it came in by.
    emit_local_output_flows(view, port, keys, true);
    ActionBuilder out;
    if (is_container) out.add(openflow::SetVlanVid{static_cast<uint16_t>(*sink->tag), true});
    out.output(ofport);
    if (is_container) out.add(openflow::StripVlan());
    view.flows.emit(make_flow(kTableLogicalToPhysical, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), out.take()));
}

}  // namespace weft::controller
