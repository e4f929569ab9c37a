// Multicast groups: the ports of this host get their copy in table 40, every other chassis that has members
// one by a tunnel in table 39 (on switches with a physical network, by that).  Members that lead to a
// distributed router or a switch are served in table 39 too, so that only the chassis where the packet
// entered the logical switch does it.

#include <algorithm>
#include <set>
#include <tuple>

#include "controller/local_datapaths.h"
#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

struct Members {
    std::vector<const sb::PortBinding*> local;  // get their copy in table 40
    std::vector<const sb::PortBinding*> first;  // and these in table 39
    std::set<Uuid> chassis;                     // others that have members
};

void add_remote(SouthboundView& view, const sb::PortBinding& port, bool by_network, Members& members) {
    // The physical network brings it to the other chassis, except to hardware gateways.
    if (by_network && port.type != "vtep") return;
    auto add = [&](const Uuid& chassis) {
        if (!view.is_own_chassis(chassis)) members.chassis.insert(chassis);
    };
    if (port.chassis) add(*port.chassis);
    for (const Uuid& chassis : port.additional_chassis) add(chassis);
}

Members sort_members(SouthboundView& view, const sb::MulticastGroup& group) {
    Members members;
    const bool by_network = view.localnet_of(group.datapath) != nullptr;
    for (const Uuid& uuid : group.ports) {
        const sb::PortBinding* port = view.port(uuid);
        if (!port) continue;
        if (port->type == "patch") {
            if (!is_closed(view, *port)) members.first.push_back(port);
            continue;
        }
        if (port->type ==
            "l3gateway") {  // on one chassis alone, which serves it wherever the packet came from
            if (view.is_own_chassis(port->chassis)) members.local.push_back(port);
            continue;
        }
        if (local_ofport(view, *port)) {
            // A localport is on every chassis: each serves its own.
            (port->type == "localport" ? members.first : members.local).push_back(port);
        } else if (port->type == "chassisredirect" && view.is_own_chassis(port->chassis)) {
            const std::string* name = port->options.find("distributed-port");
            if (const sb::PortBinding* distributed = name ? view.port_named(*name) : nullptr)
                members.local.push_back(distributed);
        }
        if (port->type != "localport") add_remote(view, *port, by_network, members);
    }
    return members;
}

// One for each chassis, by the address that it prefers, whatever its members' own wishes: it copies.
std::vector<const Tunnel*> tunnels_to(SouthboundView& view, const std::set<Uuid>& chassis, uint16_t encap) {
    std::vector<const Tunnel*> tunnels;
    for (const Uuid& uuid : chassis) {
        if (const Tunnel* tunnel = view.tunnel_to(uuid, encap)) tunnels.push_back(tunnel);
    }
    std::sort(tunnels.begin(), tunnels.end(), [](const Tunnel* a, const Tunnel* b) {
        return std::tie(a->type, a->chassis, a->ip) < std::tie(b->type, b->chassis, b->ip);
    });
    return tunnels;
}

openflow::ActionList remote_actions(const Members& members, const std::vector<const Tunnel*>& tunnels,
                                    uint32_t datapath_key, uint32_t group_key,
                                    const std::vector<EvpnPeer>* vteps) {
    ActionBuilder remote;
    for (const sb::PortBinding* port : members.first) {
        remote.load_reg(kRegOutport, static_cast<uint32_t>(port->tunnel_key)).resubmit(kTableCheckLoopback);
    }
    if (!members.first.empty()) remote.load_reg(kRegOutport, group_key);
    const Tunnel* previous = nullptr;
    for (const Tunnel* tunnel : tunnels) {
        // One header for all tunnels of a kind.
        if (!previous || previous->type != tunnel->type)
            write_tunnel_header(remote, *tunnel, datapath_key, group_key, true);
        remote.output(tunnel->ofport);
        previous = tunnel;
    }
    if (vteps) copy_to_evpn(remote, *vteps);
    if (!remote.empty() && !members.local.empty()) remote.resubmit(kTableLocalOutput);
    return remote.take();
}

// What came from a VTEP goes to no other, nor to chassis to which VTEPs send themselves.
void emit_from_evpn(SouthboundView& view, Members members, openflow::Match match, uint32_t cookie,
                    uint32_t datapath_key, uint32_t group_key) {
    std::erase_if(members.chassis, [&](const Uuid& chassis) { return takes_part_in_evpn(view, chassis); });
    match.set_reg(kRegInport, kEvpnKeyBit, kEvpnKeyBit);
    emit_by_encap(view, kTableRemoteOutput, 110, cookie, match, [&](uint16_t encap) {
        openflow::ActionList actions = remote_actions(members, tunnels_to(view, members.chassis, encap),
                                                      datapath_key, group_key, nullptr);
        return actions.empty() ? ActionBuilder().resubmit(kTableLocalOutput).take() : actions;
    });
}

}  // namespace

void emit_multicast_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::MulticastGroup* group = *view.multicast_groups.find(uuid);
    const LocalDatapath* datapath = view.local_datapath(group->datapath);
    if (!datapath) return;
    const uint32_t group_key = static_cast<uint32_t>(group->tunnel_key);
    const openflow::Match match = outport_match(datapath->key, group_key);
    const std::vector<uint16_t> own_encaps = view.own_encaps();
    Members members = sort_members(view, *group);
    const std::vector<EvpnPeer>* vteps = evpn_copies(view, *group);

    if (!members.local.empty()) {
        ActionBuilder local;
        for (const sb::PortBinding* port : members.local) {
            if (uint16_t zone = view.zone(port->logical_port)) load_zone(local, zone, own_encaps.size() > 1);
            local.load_reg(kRegOutport, static_cast<uint32_t>(port->tunnel_key))
                .resubmit(kTableCheckLoopback);
        }
        local.load_reg(kRegOutport, group_key);
        view.flows.emit(make_flow(kTableLocalOutput, 100, cookie_of(uuid), match, local.take()));
    }
    emit_by_encap(view, kTableRemoteOutput, 100, cookie_of(uuid), match, [&](uint16_t encap) {
        return remote_actions(members, tunnels_to(view, members.chassis, encap), datapath->key, group_key,
                              vteps);
    });
    if (vteps) emit_from_evpn(view, std::move(members), match, cookie_of(uuid), datapath->key, group_key);
}

}  // namespace weft::controller
