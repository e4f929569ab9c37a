#include "controller/ha_chassis.h"

#include <algorithm>
#include <tuple>

namespace weft::controller {

namespace sb = schema::sb;

namespace {

bool concerns_local_datapath(SouthboundView& view, const Uuid& group) {
    for (const Uuid& uuid : view.ports_by_group[group]) {
        const sb::PortBinding* port = view.port(uuid);
        if (port && view.local_datapath(port->datapath)) return true;
    }
    return false;
}

}  // namespace

std::vector<HaMember> ha_members(SouthboundView& view, const Uuid& group) {
    std::vector<HaMember> members;
    const sb::HAChassisGroup* row = view.value(view.ha_chassis_groups, group);
    if (!row) return members;
    for (const Uuid& uuid : row->ha_chassis) {
        const sb::HAChassis* member = view.value(view.ha_chassis, uuid);
        const sb::Chassis* chassis =
            member && member->chassis ? view.value(view.chassis, *member->chassis) : nullptr;
        if (chassis) members.push_back({chassis->uuid, chassis->name, member->priority});
    }
    std::sort(members.begin(), members.end(), [](const HaMember& a, const HaMember& b) {
        return std::tie(b.priority, a.name) < std::tie(a.priority, b.name);
    });
    return members;
}

bool serves_group(const std::vector<HaMember>& members, const Uuid& own, const std::set<std::string>& alive) {
    if (members.size() == 1) return members.front().chassis == own;
    if (alive.empty()) return false;
    for (const HaMember& member : members) {
        if (member.chassis == own) return true;
        if (alive.contains(member.name)) return false;
    }
    return false;
}

std::set<std::string> chassis_to_watch(SouthboundView& view, const Uuid& own) {
    std::set<std::string> names;
    for (const Uuid& group : view.ha_chassis_groups.keys()) {
        std::vector<HaMember> members = ha_members(view, group);
        if (members.size() < 2) continue;
        bool is_member = std::any_of(members.begin(), members.end(),
                                     [&](const HaMember& member) { return member.chassis == own; });
        if (!is_member && !concerns_local_datapath(view, group)) continue;
        for (const HaMember& member : members) names.insert(member.name);
        if (!is_member) continue;
        for (const Uuid& uuid : view.value(view.ha_chassis_groups, group)->ref_chassis) {
            if (const sb::Chassis* chassis = view.value(view.chassis, uuid)) names.insert(chassis->name);
        }
    }
    if (const sb::Chassis* self = view.value(view.chassis, own)) names.erase(self->name);
    return names;
}

}  // namespace weft::controller
