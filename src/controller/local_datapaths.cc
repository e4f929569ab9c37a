#include "controller/local_datapaths.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/log.h"
#include "controller/ha_chassis.h"

namespace weft::controller {

namespace sb = schema::sb;

namespace {

log::Module lg("binding");

// A distributed gateway port without work to do where its packets come from.
bool hands_everything_over(SouthboundView& view, const sb::PortBinding& port) {
    const std::string* name = port.options.find("chassis-redirect-port");
    const sb::PortBinding* redirect = name ? view.port_named(*name) : nullptr;
    if (!redirect || !ovsdb::get_bool(redirect->options, "always-redirect")) return false;
    if (!redirect->ha_chassis_group) return true;
    const Uuid* own = view.own_chassis.find({});
    auto members = ha_members(view, *redirect->ha_chassis_group);
    return std::none_of(members.begin(), members.end(),
                        [&](const HaMember& member) { return own && member.chassis == *own; });
}

// What can be reached from the datapaths that are added.
class Reach {
  public:
    explicit Reach(SouthboundView& view) : view_(view) {}

    void add(const Uuid& datapath) {
        if (found_.insert(datapath).second) to_visit_.push_back(datapath);
    }
    std::set<Uuid> all() {
        while (!to_visit_.empty()) {
            Uuid datapath = to_visit_.back();
            to_visit_.pop_back();
            for (const Uuid& next : view_.neighbours(datapath)) add(next);
        }
        return std::move(found_);
    }

  private:
    SouthboundView& view_;
    std::set<Uuid> found_;
    std::vector<Uuid> to_visit_;
};

}  // namespace

std::vector<Uuid> SouthboundView::find_neighbours(const Uuid& datapath) {
    std::vector<Uuid> found;
    for (const char* type : {"patch", "l3gateway"}) {
        for (const Uuid& uuid : ports_by_type[{datapath, type}]) {
            const sb::PortBinding* each = port(uuid);
            if (!each || (each->type == "l3gateway" && !is_own_chassis(each->chassis))) continue;
            if (hands_everything_over(*this, *each)) continue;
            const std::string* peer_name = each->options.find("peer");
            const sb::PortBinding* peer = peer_name ? port_named(*peer_name) : nullptr;
            if (peer) found.push_back(peer->datapath);
        }
    }
    return found;
}

std::map<Uuid, LocalDatapath> find_local_datapaths(OwnPorts& own) {
    SouthboundView& view = own.view;
    std::map<Uuid, LocalDatapath> local;
    Reach reach(view);
    for (const Uuid& datapath : own.datapaths.keys()) reach.add(datapath);
    for (const Uuid& uuid : reach.all()) {
        const sb::DatapathBinding* row = view.value(view.datapaths, uuid);
        if (!row) continue;
        local[uuid] = {static_cast<uint32_t>(row->tunnel_key), row->external_ids.contains("logical-switch")};
    }
    return local;
}

std::map<Uuid, Uuid> find_localnets(SouthboundView& view, const std::map<Uuid, LocalDatapath>& datapaths,
                                    const std::map<std::string, std::string>& mappings) {
    std::map<Uuid, Uuid> localnets;
    for (const auto& [datapath, local] : datapaths) {
        if (!local.is_switch) continue;
        const sb::PortBinding* chosen = nullptr;
        for (const Uuid& uuid : view.ports_by_type[{datapath, "localnet"}]) {
            const sb::PortBinding* port = view.port(uuid);
            if (!mappings.contains(std::string(ovsdb::get_string(port->options, "network_name")))) continue;
            if (chosen) {
                static log::RateLimit limit(1, 5);
                if (limit.pass(lg)) {
                    lg.warn(
                        "localnet port '{}' is on the same logical switch as '{}', and this host is "
                        "connected to both their networks: a switch can have one of them here",
                        port->logical_port, chosen->logical_port);
                }
            }
            if (!chosen || port->logical_port < chosen->logical_port) chosen = port;
        }
        if (chosen) localnets[datapath] = chosen->uuid;
    }
    return localnets;
}

bool is_closed(SouthboundView& view, const sb::PortBinding& port) {
    if (port.type != "patch") return false;
    const LocalDatapath* datapath = view.local_datapath(port.datapath);
    if (!datapath || datapath->is_switch) return false;
    const std::string* name = port.options.find("peer");
    const sb::PortBinding* peer = name ? view.port_named(*name) : nullptr;
    return !peer || !view.local_datapath(peer->datapath);
}

}  // namespace weft::controller
