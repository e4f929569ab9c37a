// Logical switches in an EVPN (evpn.h).  Table 0: what comes from a VTEP enters its switch's pipeline, with
// the VTEP as its ingress port.  Table 39: what is for a VTEP, and copies of what is flooded, leave by the
// VXLAN port with the switch's VNI.  Tables 71, 66 and 67: addresses behind VTEPs, for switches and for the
// routers on them.  An address that no routing daemon told of is learnt into table 71 from the first packet
// that comes with it, and goes when none has come for a while.
//
// All VTEPs of a UDP port are behind one port of the bridge, which sends nothing back to where it came from
// unless it is told that it came from nowhere.  What came from a VTEP never goes to another by the switch
// (split horizon, RFC 8365), but may by a router.

#include <algorithm>

#include "controller/physical/action_builder.h"
#include "controller/physical/learn_specs.h"
#include "controller/physical/physical_flows.h"
#include "packet/address.h"

namespace weft::controller {

namespace sb = schema::sb;
using openflow::FieldId;
using openflow::FieldValue;

namespace {

constexpr uint16_t kPriorityEvpnFdb = 150,
                   kPriorityEvpnFdbLast = 50;  // before and after the southbound's (100)
constexpr uint16_t kPriorityEvpnLearnt = 140, kPriorityEvpnLearntLast = 40;
constexpr uint32_t kMostAddresses = 1 << 16;  // of a switch: nothing is learnt beyond
constexpr uint16_t kPriorityEvpnArp = 120, kPriorityEvpnArpLast = 70;
constexpr uint64_t kNoPort = 0xffff;

FieldValue address_value(const packet::Ipv6Addr& address) {
    FieldValue value;
    std::copy(address.begin(), address.end(), value.bytes.begin());
    return value;
}

void match_tunnel(openflow::Match& match, const EvpnPeer& peer) {
    if (auto v4 = packet::mapped_ipv4(peer.ip)) {
        match.set(FieldId::kTunSrc, *v4);
        match.set(FieldId::kTunDst, *packet::mapped_ipv4(peer.own_ip));
        return;
    }
    for (auto [field, address] :
         {std::pair(FieldId::kTunIpv6Src, &peer.ip), {FieldId::kTunIpv6Dst, &peer.own_ip}}) {
        const openflow::Field& about = openflow::field(field);
        match.set(about, address_value(*address), FieldValue::all_ones(about));
    }
}

void send_to(ActionBuilder& actions, const EvpnPeer& peer) {
    if (auto v4 = packet::mapped_ipv4(peer.ip)) {
        actions.load(FieldId::kTunSrc, *packet::mapped_ipv4(peer.own_ip)).load(FieldId::kTunDst, *v4);
    } else {
        for (auto [field, address] :
             {std::pair(FieldId::kTunIpv6Src, &peer.own_ip), {FieldId::kTunIpv6Dst, &peer.ip}}) {
            actions.add(openflow::SetField::make(field, address_value(*address),
                                                 FieldValue::all_ones(openflow::field(field))));
        }
    }
    actions.load(FieldId::kTunId, peer.vni, 0, 24).output(peer.ofport);
}

// Where a packet's source is: at the VTEP that it came from.  Seen again, it stays.
openflow::Learn learn_source(const EvpnPeer& peer, uint32_t cookie) {
    openflow::Learn learn;
    learn.table = kTableGetFdb;
    learn.priority = peer.own_fdb_first ? kPriorityEvpnLearntLast : kPriorityEvpnLearnt;
    learn.hard_timeout = peer.fdb_age;
    learn.flags = openflow::Learn::kDeleteLearned;
    learn.cookie = cookie;
    learn.limit = kMostAddresses;
    learn.specs.push_back(learn_field(kFieldDatapath, kFieldDatapath));
    learn.specs.push_back(learn_field(FieldId::kEthDst, FieldId::kEthSrc));
    learn.specs.push_back(learn_load(openflow::reg_field(kRegOutport), openflow::reg_field(kRegInport)));
    return learn;
}

}  // namespace

void emit_evpn_peer_flows(SouthboundView& view, uint32_t key) {
    const EvpnPeer& peer = *view.evpn_peers.find(key);
    const LocalDatapath* datapath = view.local_datapath(peer.datapath);
    if (!datapath) return;
    const uint32_t cookie = cookie_of(peer.datapath);

    openflow::Match from;
    from.set_in_port(peer.ofport);
    from.set(FieldId::kTunId, peer.vni);
    match_tunnel(from, peer);
    ActionBuilder enter;
    enter.load(kFieldDatapath, datapath->key).load_reg(kRegInport, key);
    enter.add(Boxed<openflow::Learn>(learn_source(peer, cookie))).resubmit(kTableIngress);
    view.flows.emit(make_flow(kTablePhysicalToLogical, 110, cookie, from, enter.take()));

    openflow::Match to = outport_match(datapath->key, key);
    ActionBuilder leave;
    leave.load(FieldId::kInPort, kNoPort);
    send_to(leave, peer);
    view.flows.emit(make_flow(kTableRemoteOutput, 100, cookie, to, leave.take()));
    // Split horizon; but what a switch answers itself goes back, and says that it may.
    to.set_reg(kRegInport, kEvpnKeyBit, kEvpnKeyBit);
    to.set_reg(kRegFlags, 0, 1 << kFlagAllowLoopback);
    view.flows.emit(make_flow(kTableRemoteOutput, 110, cookie, to, {}));
}

void emit_evpn_mac_flows(SouthboundView& view, const EvpnMacKey& key) {
    const EvpnMac& mac = *view.evpn_macs.find(key);
    const LocalDatapath* datapath = view.local_datapath(key.first);
    if (!datapath) return;
    openflow::Match match = datapath_match(datapath->key);
    match.set_dl_dst(key.second);
    view.flows.emit(make_flow(kTableGetFdb, mac.own_first ? kPriorityEvpnFdbLast : kPriorityEvpnFdb,
                              cookie_of(key.first), match,
                              ActionBuilder().load_reg(kRegOutport, mac.peer).take()));
}

void emit_evpn_neighbor_flows(SouthboundView& view, const EvpnNeighborKey& key) {
    const EvpnNeighbor& neighbor = *view.evpn_neighbors.find(key);
    auto v4 = packet::mapped_ipv4(key.second);
    const std::string ip = v4 ? packet::ipv4_to_string(*v4) : packet::to_string(key.second);
    for (const char* type : {"patch", "l3gateway"}) {
        for (const Uuid& uuid : view.ports_by_type[{key.first, type}]) {
            const sb::PortBinding* port = view.port(uuid);
            const std::string* router_port = port ? port->options.find("peer") : nullptr;
            if (!router_port) continue;
            emit_neighbor_flows(view, cookie_of(key.first), *router_port, ip, neighbor.mac,
                                neighbor.own_first ? kPriorityEvpnArpLast : kPriorityEvpnArp);
        }
    }
}

const std::vector<EvpnPeer>* evpn_copies(SouthboundView& view, const sb::MulticastGroup& group) {
    const std::vector<EvpnPeer>* peers = view.evpn_floods.find(group.datapath);
    const bool is_flood =
        group.name == "_MC_flood" || group.name == "_MC_flood_l2" || group.name == "_MC_unknown";
    return is_flood ? peers : nullptr;
}

void copy_to_evpn(ActionBuilder& actions, const std::vector<EvpnPeer>& peers) {
    if (peers.empty()) return;
    actions.push(FieldId::kInPort).load(FieldId::kInPort, kNoPort);
    for (const EvpnPeer& peer : peers) send_to(actions, peer);
    actions.pop(FieldId::kInPort);
}

bool takes_part_in_evpn(SouthboundView& view, const Uuid& chassis) {
    const sb::Chassis* row = view.value(view.chassis, chassis);
    return row && row->other_config.contains("ovn-evpn-local-ip");
}

}  // namespace weft::controller
