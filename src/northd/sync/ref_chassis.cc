#include "northd/sync/ref_chassis.h"

#include <vector>

namespace weft::northd {

namespace {

template <typename K, typename T>
void edit(HashMap<K, std::set<T>>& sets, const K& key, const T& item, bool add) {
    if (add) {
        sets[key].insert(item);
        return;
    }
    auto it = sets.find(key);
    if (it == sets.end()) return;
    it->second.erase(item);
    if (it->second.empty()) sets.erase(it);
}

}  // namespace

Uuid RefChassis::island_of(const Uuid& datapath) const {
    auto it = island_.find(datapath);
    return it == island_.end() ? datapath : it->second;
}

void RefChassis::rebuild() {
    island_.clear();
    switches_of_island_.clear();
    groups_of_island_.clear();
    std::vector<Uuid> stack;
    for (const auto& [start, beside] : links_) {
        if (island_.contains(start)) continue;
        island_[start] = start;
        stack.push_back(start);
        while (!stack.empty()) {
            Uuid at = stack.back();
            stack.pop_back();
            for (const Uuid& next : links_.at(at)) {
                if (island_.emplace(next, start).second) stack.push_back(next);
            }
        }
    }
    for (const auto& [sw, chassis] : chassis_of_switch_) switches_of_island_[island_of(sw)].insert(sw);
    for (const auto& [group, routers] : users_) {
        for (const Uuid& router : routers) groups_of_island_[island_of(router)].insert(group);
    }
}

std::set<std::string> RefChassis::update(Program& p) {
    std::set<std::string> changed;
    bool relinked = false;
    p.link_rows.take_changes([&](const LinkRow& row, bool added) {
        edit(links_, row.a, row.b, added);
        edit(links_, row.b, row.a, added);
        relinked = true;
    });
    p.ha_use_rows.take_changes([&](const HaUseRow& row, bool added) {
        edit(users_, row.group, row.router, added);
        changed.insert(row.group);
        relinked = true;
    });
    std::vector<std::pair<Uuid, bool>> touched;  // switches
    p.bound_rows.take_changes([&](const BoundRow& row, bool added) {
        edit(chassis_of_switch_, row.datapath, row.chassis, added);
        bool any = chassis_of_switch_.contains(row.datapath);
        edit(switches_of_island_, island_of(row.datapath), row.datapath, any);
        touched.emplace_back(row.datapath, added);
    });
    if (relinked) {
        if (users_.empty() && groups_of_island_.empty()) return changed;
        rebuild();
        for (const auto& [group, routers] : users_) changed.insert(group);
        return changed;
    }
    for (const auto& [sw, added] : touched) {
        auto groups = groups_of_island_.find(island_of(sw));
        if (groups != groups_of_island_.end()) changed.insert(groups->second.begin(), groups->second.end());
    }
    return changed;
}

std::vector<Uuid> RefChassis::watchers(const std::string& group) const {
    std::set<Uuid> out;
    auto users = users_.find(group);
    if (users == users_.end()) return {};
    for (const Uuid& router : users->second) {
        auto switches = switches_of_island_.find(island_of(router));
        if (switches == switches_of_island_.end()) continue;
        for (const Uuid& sw : switches->second) {
            const std::set<Uuid>& chassis = chassis_of_switch_.at(sw);
            out.insert(chassis.begin(), chassis.end());
        }
    }
    return {out.begin(), out.end()};
}

}  // namespace weft::northd
