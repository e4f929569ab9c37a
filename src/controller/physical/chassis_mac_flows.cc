// Distributed router ports on a physical network (external_ids:ovn-chassis-mac-mappings): every chassis has
// the router port's MAC address, which the switches of the network would see move about.  So each sends with
// a MAC address of its own instead, and turns those of the others back.

#include "controller/configuration.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

// Of the conjunction "from another chassis" and "of this VLAN".
constexpr uint32_t kConjunction = 100;

std::optional<packet::EthAddr> first_mac(const sb::PortBinding& port) {
    if (port.mac.empty()) return std::nullopt;
    const std::string& text = *port.mac.begin();
    return packet::parse_eth(text.substr(0, text.find(' ')));
}

void match_vlan(openflow::Match& match, const sb::PortBinding& localnet) {
    if (localnet.tag && *localnet.tag > 0) {
        match.set(FieldId::kVlanVid, static_cast<uint64_t>(*localnet.tag) | packet::kVlanCfi);
    } else {
        match.set(FieldId::kVlanTci, 0, packet::kVlanCfi);
    }
}

// A gateway port that is served here is no distributed one.
bool is_centralised_here(SouthboundView& view, const sb::PortBinding& router_port) {
    const std::string* name = router_port.options.find("chassis-redirect-port");
    const sb::PortBinding* redirect = name ? view.port_named(*name) : nullptr;
    return redirect && view.is_own_chassis(redirect->chassis);
}

struct Localnet {
    const sb::PortBinding& port;
    const PortKeys& keys;
    uint32_t ofport;
};

void emit_inbound(SouthboundView& view, const Localnet& localnet, const sb::PortBinding& router_port,
                  const packet::EthAddr& mac) {
    const bool tagged = localnet.port.tag && *localnet.port.tag > 0;
    openflow::Match clause;
    match_vlan(clause, localnet.port);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 180, 0, clause,
                              ActionBuilder().add(openflow::Conjunction{kConjunction, 1, 2}).take()));

    openflow::Match match;
    match.set_in_port(localnet.ofport);
    match.set(FieldId::kConjId, kConjunction);
    match_vlan(match, localnet.port);
    ActionBuilder in;
    if (tagged) in.add(openflow::StripVlan());
    enter_pipeline(in, localnet.keys);
    in.add(openflow::SetEthSrc{mac}).resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 180, cookie_of(router_port.uuid), match, in.take()));
}

void emit_outbound(SouthboundView& view, const Localnet& localnet, const packet::EthAddr& router_mac,
                   const packet::EthAddr& chassis_mac) {
    openflow::Match match = outport_match(localnet.keys.datapath, localnet.keys.port);
    match.set_dl_src(router_mac);
    ActionBuilder out;
    out.add(openflow::SetEthSrc{chassis_mac});
    push_tag(out, localnet.port);
    out.output(localnet.ofport).add(openflow::SetEthSrc{router_mac});
    if (localnet.port.tag && *localnet.port.tag > 0) out.add(openflow::StripVlan());
    view.flows.emit(
        make_flow(kTableLogicalToPhysical, 150, cookie_of(localnet.port.uuid), match, out.take()));
}

}  // namespace

void emit_chassis_mac_flows(SouthboundView& view, const sb::PortBinding& port, const PortKeys& keys,
                            uint32_t ofport) {
    const Localnet localnet{port, keys, ofport};
    const std::map<std::string, std::string>* own = view.mac_mappings.find({});
    std::optional<packet::EthAddr> own_mac;
    if (own) {
        auto it = own->find(std::string(ovsdb::get_string(port.options, "network_name")));
        if (it != own->end()) own_mac = packet::parse_eth(it->second);
    }
    for (const char* type : {"patch", "l3gateway"}) {
        for (const Uuid& uuid : view.ports_by_type[{port.datapath, type}]) {
            const sb::PortBinding* switch_port = view.port(uuid);
            const std::string* peer = switch_port ? switch_port->options.find("peer") : nullptr;
            const sb::PortBinding* router_port = peer ? view.port_named(*peer) : nullptr;
            auto mac = router_port ? first_mac(*router_port) : std::nullopt;
            if (!mac) continue;
            emit_inbound(view, localnet, *router_port, *mac);
            if (own_mac && !is_centralised_here(view, *router_port))
                emit_outbound(view, localnet, *mac, *own_mac);
        }
    }
}

void emit_foreign_mac_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::Chassis* chassis = *view.chassis.find(uuid);
    if (view.is_own_chassis(uuid)) return;
    const std::string* mappings = chassis->other_config.find("ovn-chassis-mac-mappings");
    if (!mappings) return;
    for (const auto& [network, text] : parse_mappings(*mappings)) {
        auto mac = packet::parse_eth(text);
        if (!mac) continue;
        openflow::Match match;
        match.set_dl_src(*mac);
        view.flows.emit(make_flow(kTablePhysicalToLogical, 180, cookie_of(uuid), match,
                                  ActionBuilder().add(openflow::Conjunction{kConjunction, 0, 2}).take()));
    }
}

}  // namespace weft::controller
