// Multicast groups: the ports of this host get their copy in table 40, every other chassis that has members
// one by a tunnel in table 39.  Members that lead to a router or a switch are served in table 39 too, so that
// only the chassis where the packet entered the logical switch does it.

#include <set>

#include "controller/physical/action_builder.h"
#include "controller/physical/physical_flows.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

struct Members {
    std::vector<const sb::PortBinding*> local, patch;
    std::set<const Tunnel*> tunnels;
};

Members sort_members(SouthboundView& view, const sb::MulticastGroup& group) {
    Members members;
    std::set<std::string> chassis_done;
    for (const Uuid& uuid : group.ports) {
        const sb::PortBinding* port = view.port(uuid);
        if (!port) continue;
        if (port->type == "patch" || (port->type == "l3gateway" && view.is_own_chassis(port->chassis))) {
            members.patch.push_back(port);
        } else if (local_ofport(view, *port)) {
            members.local.push_back(port);
        } else if (port->chassis && port->type != "localport" && !view.is_own_chassis(port->chassis)) {
            if (const Tunnel* tunnel = view.tunnel_to(*port->chassis)) members.tunnels.insert(tunnel);
        }
    }
    return members;
}

}  // namespace

void emit_multicast_flows(SouthboundView& view, const Uuid& uuid) {
    const sb::MulticastGroup* group = *view.multicast_groups.find(uuid);
    const LocalDatapath* datapath = view.local_datapath(group->datapath);
    if (!datapath) return;
    const uint32_t group_key = static_cast<uint32_t>(group->tunnel_key);
    const openflow::Match match = outport_match(datapath->key, group_key);
    Members members = sort_members(view, *group);

    ActionBuilder local;
    for (const sb::PortBinding* port : members.local) {
        if (uint16_t zone = view.zone(port->logical_port)) local.load_reg(kRegZone, zone);
        local.load_reg(kRegOutport, static_cast<uint32_t>(port->tunnel_key)).resubmit(kTableCheckLoopback);
    }
    bool has_local = !local.empty();
    if (has_local) {
        local.load_reg(kRegOutport, group_key);
        view.flows.emit(make_flow(kTableLocalOutput, 100, cookie_of(uuid), match, local.take()));
    }

    ActionBuilder remote;
    for (const sb::PortBinding* port : members.patch) {
        remote.load_reg(kRegOutport, static_cast<uint32_t>(port->tunnel_key)).resubmit(kTableCheckLoopback);
    }
    if (!members.patch.empty()) remote.load_reg(kRegOutport, group_key);
    std::vector<const Tunnel*> tunnels(members.tunnels.begin(), members.tunnels.end());
    std::sort(tunnels.begin(), tunnels.end(), [](const Tunnel* a, const Tunnel* b) { return *a < *b; });
    for (const Tunnel* tunnel : tunnels) send_by_tunnel(remote, *tunnel, datapath->key, group_key, true);
    if (remote.empty()) return;
    if (has_local) remote.resubmit(kTableLocalOutput);
    view.flows.emit(make_flow(kTableRemoteOutput, 100, cookie_of(uuid), match, remote.take()));
}

}  // namespace weft::controller
