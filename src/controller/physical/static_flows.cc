// Flows that are there whatever the network is: the ways between the tables.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace {

void add(SouthboundView& view, uint8_t table, uint16_t priority, const openflow::Match& match,
         ActionBuilder actions) {
    view.flows.emit(make_flow(table, priority, 0, match, actions.take()));
}

openflow::Match flags_match(uint32_t value, uint32_t mask) {
    openflow::Match match;
    match.set_reg(kRegFlags, value, mask);
    return match;
}

}  // namespace

ActionBuilder to_egress() {
    ActionBuilder actions;
    for (unsigned n = 0; n < kLogicalRegisters; ++n) actions.load_reg(n, 0);
    return std::move(actions.resubmit(kTableEgress));
}

void emit_static_flows(SouthboundView& view) {
    const openflow::Match any;
    add(view, kTablePhysicalToLogical, 0, any, {});
    add(view, kTableOutputLargePacketDetect, 0, any, ActionBuilder().resubmit(kTableRemoteOutput));
    add(view, kTableOutputLargePacketProcess, 0, any, ActionBuilder().resubmit(kTableRemoteOutput));
    add(view, kTableOutputLargePacketProcess, 10,
        flags_match(1 << kFlagAllowLoopback, 1 << kFlagAllowLoopback),
        ActionBuilder().resubmit(kTableLocalOutput));

    // What must not leave this host, and what came by a tunnel without an ingress port: to where it came from
    // would be a loop.
    add(view, kTableRemoteOutput, 0, any, ActionBuilder().resubmit(kTableLocalOutput));
    add(view, kTableRemoteOutput, 150, flags_match(1 << kFlagLocalOnly, 1 << kFlagLocalOnly),
        ActionBuilder().resubmit(kTableLocalOutput));
    add(view, kTableRemoteOutput, 150,
        flags_match(1 << kFlagFromRamp, 1 << kFlagFromRamp | 1 << kFlagAllowLoopback),
        ActionBuilder().resubmit(kTableLocalOutput));
    add(view, kTableLocalOutput, 0, any, {});
    add(view, kTableCheckLoopback, 0, any, to_egress());
    add(view, kTableSaveInport, 0, any, ActionBuilder().resubmit(kTableLogicalToPhysical));
    add(view, kTableLogicalToPhysical, 0, any, {});
}

}  // namespace weft::controller
