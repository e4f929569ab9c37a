// A port binding's flows: which kind of port it is, seen from this host.

#include "controller/local_datapaths.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

bool is_container(const sb::PortBinding& port) {
    return port.parent_port && !port.parent_port->empty();
}

bool leads_to_network(const sb::PortBinding& port) {
    return port.type == "localnet" || port.type == "l2gateway";
}

}  // namespace

// Table 37: the switch would not send a packet to the tunnel that it came by.
static void emit_return_flow(SouthboundView& view) {
    openflow::Match match;
    match.set_reg(kRegFlags, 1U << kFlagFromEgress, 1U << kFlagFromEgress);
    ActionBuilder actions;
    actions.load_flag(kFlagFromEgress, false)
        .push(openflow::FieldId::kInPort)
        .load(openflow::FieldId::kInPort, 0xffff)
        .resubmit(kTableOutputLargePacketDetect)
        .pop(openflow::FieldId::kInPort);
    view.flows.emit(make_flow(kTableOutputLargePacketDetect, 200, 0, match, actions.take()));
}

void emit_port_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::PortBinding* port = view.port(uuid);
    const LocalDatapath* datapath = view.local_datapath(port->datapath);
    if (!datapath) return;
    PortKeys keys = keys_of(view, *port, datapath->key);

    if (is_closed(view, *port)) return;
    if (port->type == "patch" || (port->type == "l3gateway" && view.is_own_chassis(port->chassis))) {
        return emit_patch_flows(view, *port, keys);
    }
    if (port->type == "l3gateway") return;
    if (port->type == "mirror" || ovsdb::get_bool(port->options, "is-nf")) emit_return_flow(view);
    if (port->type == "mirror") return emit_mirror_flows(view, *port, keys);
    if (port->type == "chassisredirect") return emit_gateway_flows(view, *port, keys);
    if (uint32_t ofport = local_ofport(view, *port)) {
        if (leads_to_network(*port)) {
            emit_network_flows(view, *port, keys, ofport);
        } else if (is_container(*port)) {
            emit_container_flows(view, *port, keys, ofport);
        } else {
            emit_vif_flows(view, *port, keys, ofport);
        }
    }
    emit_remote_flows(view, *port, keys);
}

uint32_t local_ofport(SouthboundView& view, const sb::PortBinding& port) {
    if (port.type == "localnet") return view.physical_port(port.logical_port);
    if (port.type == "l2gateway")
        return view.is_own_chassis(port.chassis) ? view.physical_port(port.logical_port) : 0;
    const std::string* name = &port.logical_port;
    if (port.type == "virtual") {  // delivered to the port that has its address now
        if (!port.virtual_parent) return 0;
        name = &*port.virtual_parent;
    } else if (!port.type.empty() && port.type != "localport") {
        return 0;
    }
    if (port.type != "localport" && !view.is_here(port)) return 0;
    const LocalPort* local = view.local_ports.find(is_container(port) ? *port.parent_port : *name);
    return local ? local->ofport : 0;
}

PortKeys keys_of(SouthboundView& view, const sb::PortBinding& port, uint32_t datapath_key) {
    PortKeys keys;
    keys.datapath = datapath_key;
    keys.port = static_cast<uint32_t>(port.tunnel_key);
    std::string name = port.datapath.to_string();
    keys.dnat_zone = view.zone(name + "_dnat");
    keys.snat_zone = view.zone(name + "_snat");
    keys.zone = view.zone(port.logical_port);
    const std::vector<uint16_t>* other_encaps = view.other_encaps.find({});
    keys.keep_encap = other_encaps && !other_encaps->empty();
    if (!keys.keep_encap || !port.type.empty()) return keys;
    const LocalPort* local =
        view.local_ports.find(is_container(port) ? *port.parent_port : port.logical_port);
    if (local) keys.encap = local->encap;
    return keys;
}

void enter_pipeline(ActionBuilder& actions, const PortKeys& keys) {
    load_zones(actions, keys);
    if (keys.encap) actions.load(openflow::reg_field(kRegZone), keys.encap, kEncapShift, kEncapBits);
    actions.load(kFieldDatapath, keys.datapath).load_reg(kRegInport, keys.port);
}

openflow::Match datapath_match(uint32_t datapath_key) {
    openflow::Match match;
    match.set_metadata(datapath_key);
    return match;
}

openflow::Match outport_match(uint32_t datapath_key, uint32_t port_key) {
    openflow::Match match = datapath_match(datapath_key);
    match.set_reg(kRegOutport, port_key);
    return match;
}

void load_zones(ActionBuilder& actions, const PortKeys& keys) {
    if (keys.zone) load_zone(actions, keys.zone, keys.keep_encap);
    if (keys.dnat_zone) actions.load_reg(kRegDnatZone, keys.dnat_zone);
    if (keys.snat_zone) actions.load_reg(kRegSnatZone, keys.snat_zone);
}

void load_zone(ActionBuilder& actions, uint16_t zone, bool keep_encap) {
    actions.load(openflow::reg_field(kRegZone), zone, 0, keep_encap ? kEncapShift : 0);
}

void emit_local_output_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                             bool nested) {
    const uint32_t cookie = cookie_of(port.uuid);

    // Table 40: it is for here; on to the egress pipeline.
    ActionBuilder deliver;
    load_zones(deliver, keys);
    deliver.resubmit(kTableCheckLoopback);
    view.flows.emit(
        make_flow(kTableLocalOutput, 100, cookie, outport_match(keys.datapath, keys.port), deliver.take()));

    // Table 41: never back out of the port it came in by, unless a logical flow says so.
    openflow::Match loop = outport_match(keys.datapath, keys.port);
    loop.set_reg(kRegInport, keys.port);
    loop.set_reg(kRegFlags, 0, 1 << kFlagAllowLoopback);
    view.flows.emit(make_flow(kTableCheckLoopback, 100, cookie, loop, {}));

    // Table 64: the switch would not send a packet to its own OpenFlow ingress port, so that is hidden where
    // it may have to.
    openflow::Match hide = outport_match(keys.datapath, keys.port);
    if (!nested) hide.set_reg(kRegFlags, 1 << kFlagAllowLoopback, 1 << kFlagAllowLoopback);
    ActionBuilder hidden;
    hidden.push(openflow::FieldId::kInPort)
        .load(openflow::FieldId::kInPort, 0xffff)
        .resubmit(kTableLogicalToPhysical)
        .pop(openflow::FieldId::kInPort);
    view.flows.emit(make_flow(kTableSaveInport, 100, cookie, hide, hidden.take()));
}

}  // namespace weft::controller
