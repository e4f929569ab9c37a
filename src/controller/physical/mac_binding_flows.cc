// Tables 66 and 67: the MAC address of an IP address on a router port, as learnt (MAC_Binding) or given
// (Static_MAC_Binding): get_arp, get_nd, lookup_arp and lookup_nd of the logical flows ask here.

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;

namespace {

constexpr uint16_t kPriorityLearned = 100;
constexpr uint16_t kPriorityStatic = 150;  // override_dynamic_mac
constexpr uint16_t kPriorityStaticFallback = 50;

// The address that is asked for is in reg0 (IPv4) or xxreg0.  False if `ip` is no address.
bool set_address(openflow::Match& match, const std::string& ip) {
    if (auto v4 = packet::parse_ipv4(ip)) {
        match.set_reg(0, *v4);
        return true;
    }
    auto v6 = packet::parse_ipv6(ip);
    if (!v6) return false;
    for (unsigned n = 0; n < 4; ++n) match.set_reg(n, load_be32(&(*v6)[n * 4]));
    return true;
}

void emit_binding(SouthboundView& view, const Uuid& uuid, const std::string& logical_port,
                  const std::string& ip, const std::string& mac_text, uint16_t priority) {
    if (auto mac = packet::parse_eth(mac_text))
        emit_neighbor_flows(view, cookie_of(uuid), logical_port, ip, *mac, priority);
}

}  // namespace

void emit_neighbor_flows(SouthboundView& view, uint32_t cookie, const std::string& logical_port,
                         const std::string& ip, const packet::EthAddr& mac, uint16_t priority) {
    const sb::PortBinding* port = view.port_named(logical_port);
    const LocalDatapath* datapath = port ? view.local_datapath(port->datapath) : nullptr;
    if (!datapath) return;
    const uint32_t port_key = static_cast<uint32_t>(port->tunnel_key);

    openflow::Match ask = outport_match(datapath->key, port_key);
    if (!set_address(ask, ip)) return;
    ActionBuilder answer;
    answer.add(openflow::SetEthDst{mac}).load_flag(kFlagLookup, true);
    view.flows.emit(make_flow(kTableMacBinding, priority, cookie, ask, answer.take()));

    openflow::Match known = datapath_match(datapath->key);
    known.set_reg(kRegInport, port_key);
    known.set_dl_src(mac);
    set_address(known, ip);
    if (packet::parse_ipv4(ip)) {
        known.set_dl_type(0x0806);
    } else {
        known.set_dl_type(0x86dd);
        known.set(FieldId::kIpProto, 58);
        known.set(FieldId::kIcmpv6Code, 0);
    }
    view.flows.emit(make_flow(kTableMacLookup, priority, cookie, known,
                              ActionBuilder().load_flag(kFlagLookup, true).take()));
}

void emit_mac_binding_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::MACBinding* row = *view.mac_bindings.find(uuid);
    emit_binding(view, uuid, row->logical_port, row->ip, row->mac, kPriorityLearned);
}

void emit_static_mac_binding_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::StaticMACBinding* row = *view.static_mac_bindings.find(uuid);
    emit_binding(view, uuid, row->logical_port, row->ip, row->mac,
                 row->override_dynamic_mac ? kPriorityStatic : kPriorityStaticFallback);
}

}  // namespace weft::controller
