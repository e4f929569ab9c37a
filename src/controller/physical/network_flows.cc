// Ports that lead to a physical network by a patch port of the bridge (localnet, l2gateway): their packets
// are those of one VLAN there, or those without a tag.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

uint16_t tag_of(const sb::PortBinding& port) {
    return port.tag && *port.tag > 0 ? static_cast<uint16_t>(*port.tag) : 0;
}

openflow::Match untagged(uint32_t ofport) {
    openflow::Match match;
    match.set_in_port(ofport);
    match.set(FieldId::kVlanTci, 0, packet::kVlanCfi);
    return match;
}
openflow::Match tagged(uint32_t ofport, uint16_t tag) {
    openflow::Match match;
    match.set_in_port(ofport);
    match.set(FieldId::kVlanVid, tag | packet::kVlanCfi);
    return match;
}

void enter(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys, uint16_t priority,
           const openflow::Match& match, bool strip) {
    ActionBuilder in;
    if (strip) in.add(openflow::StripVlan());
    enter_pipeline(in, keys);
    in.resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, priority, cookie_of(port.uuid), match, in.take()));
}

}  // namespace

void push_tag(ActionBuilder& actions, const sb::PortBinding& port) {
    uint16_t tag = tag_of(port);
    if (!tag) return;
    // ovn-nb(5) calls IEEE 802.1ad "802.11ad".
    std::string_view type = ovsdb::get_string(port.options, "ethtype");
    if (type == "802.11ad" || type == "802.1ad") {
        actions.add(openflow::PushVlan{0x88a8}).add(openflow::SetVlanVid{tag, false});
    } else {
        actions.add(openflow::SetVlanVid{tag, true});
    }
}

void emit_network_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                        uint32_t ofport) {
    uint16_t tag = tag_of(port);
    if (tag) {
        enter(view, port, keys, 150, tagged(ofport, tag), true);
    } else {
        enter(view, port, keys, 100, untagged(ofport), false);
        enter(view, port, keys, 100, tagged(ofport, 0), true);  // a priority without a VLAN
    }
    emit_local_output_flows(view, port, keys, false);
    ActionBuilder out;
    push_tag(out, port);
    out.output(ofport);
    if (tag) out.add(openflow::StripVlan());
    view.flows.emit(make_flow(kTableLogicalToPhysical, 100, cookie_of(port.uuid),
                              outport_match(keys.datapath, keys.port), out.take()));
    if (port.type != "localnet") return;

    // What must not leave this host, and what a localport sends, does not go to the network: it would be seen
    // once from every chassis.
    for (unsigned flag : {kFlagLocalOnly, kFlagFromLocalport}) {
        openflow::Match match = outport_match(keys.datapath, keys.port);
        match.set_reg(kRegFlags, 1u << flag, 1u << flag);
        view.flows.emit(make_flow(kTableCheckLoopback, 160, cookie_of(port.uuid), match, {}));
    }
    // But for external ports that are served here.
    for (const Uuid& uuid : view.ports_by_type[{port.datapath, "external"}]) {
        const sb::PortBinding* external = view.port(uuid);
        if (!external || !view.is_own_chassis(external->chassis)) continue;
        for (const std::string& addresses : external->mac) {
            auto mac = packet::parse_eth(addresses.substr(0, addresses.find(' ')));
            if (!mac) continue;
            openflow::Match match = outport_match(keys.datapath, keys.port);
            match.set_reg(kRegFlags, 1u << kFlagFromLocalport, 1u << kFlagFromLocalport);
            match.set_dl_dst(*mac);
            view.flows.emit(
                make_flow(kTableCheckLoopback, 170, cookie_of(port.uuid), match, to_egress().take()));
        }
    }
    emit_chassis_mac_flows(view, port, keys, ofport);
}

}  // namespace weft::controller
