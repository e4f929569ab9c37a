// Ports with an interface on this host, and the containers inside of them, told apart by VLAN tags on that
// interface.

#include <algorithm>
#include <set>
#include <string_view>

#include "controller/configuration.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "logical/controller_opcode.h"
#include "packet/address.h"
#include "packet/ethernet.h"
#include "packet/icmpv6.h"
#include "packet/ipv4.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

namespace ethernet = packet::ethernet;
constexpr uint32_t kActivationOpcode = static_cast<uint32_t>(logical::ControllerOpcode::kActivation);

bool has_word(std::string_view list, std::string_view word) {
    for (const std::string& each : split_words(list, ',')) {
        if (each == word) return true;
    }
    return false;
}

// What a virtual machine announces itself with, of what options:activation-strategy lists: RARP; an ARP
// packet about one of its own addresses (RFC 5227 section 3); a neighbour advertisement that nobody asked
// for, which goes to all nodes (RFC 4861 section 7.2.6).
struct Announcing {
    openflow::Match match;
    bool goes_on = true;  // else the controller looks at it first, and it ends there
};
std::vector<Announcing> announcements_of(const sb::PortBinding& port, uint32_t ofport) {
    std::string_view strategies = ovsdb::get_string(port.options, "activation-strategy");
    openflow::Match from;
    from.set_in_port(ofport);
    std::vector<Announcing> out;
    if (has_word(strategies, "rarp")) {
        out.push_back({from, true});
        out.back().match.set_dl_type(ethernet::kRarp);
    }
    if (has_word(strategies, "garp")) {
        std::set<uint32_t> addresses;
        for (const std::string& text : port.mac) {
            for (const std::string& word : split_words(text, ' ')) {
                if (auto ip = packet::parse_ipv4(word)) addresses.insert(*ip);
            }
        }
        for (uint32_t ip : addresses) {
            out.push_back({from, true});
            out.back().match.set_dl_type(ethernet::kArp);
            out.back().match.set_nw_src(ip);
            out.back().match.set_nw_dst(ip);
        }
        if (addresses.empty()) {
            out.push_back({from, false});
            out.back().match.set_dl_type(ethernet::kArp);
        }
    }
    if (has_word(strategies, "na")) {
        const packet::Ipv6Addr all_nodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        packet::Ipv6Addr exact;
        exact.fill(0xff);
        openflow::Match match = from;
        match.set_dl_type(ethernet::kIpv6);
        match.set(openflow::FieldId::kIpProto, packet::protocol::kIcmpv6);
        match.set(openflow::FieldId::kIcmpv6Type, packet::icmpv6::kNeighbourAdvertisement);
        match.set(openflow::FieldId::kIcmpv6Code, 0);
        match.set_ipv6(openflow::FieldId::kIpv6Dst, all_nodes, exact);
        out.push_back({match, true});
    }
    return out;
}

// A virtual machine that is on its way here (options:activation-strategy): the port is closed until the
// machine announces itself, which it does when it begins to run here.
void emit_activation_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                           uint32_t ofport) {
    const uint32_t cookie = cookie_of(port.uuid);
    for (const Announcing& announcing : announcements_of(port, ofport)) {
        ActionBuilder in;
        enter_pipeline(in, keys);
        openflow::Controller controller;
        controller.userdata.resize(8);
        store_be32(controller.userdata.data(), kActivationOpcode);
        in.add(Boxed<openflow::Controller>(std::move(controller)));
        if (announcing.goes_on) in.resubmit(kTableIngress);
        view.flows.emit(make_flow(kTablePhysicalToLogical, 1010, cookie, announcing.match, in.take()));
    }
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
    std::string_view strategies = ovsdb::get_string(port.options, "activation-strategy");
    if (!has_word(strategies, "rarp") && !has_word(strategies, "garp") && !has_word(strategies, "na"))
        return false;
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
