#include "switch/ofproto/multicast_table.h"

#include <algorithm>

namespace weft::vswitch {

namespace {

constexpr int64_t kRouterLifeMs = 180'000;

}  // namespace

void MulticastTable::set_enabled(bool enabled) {
    if (enabled == enabled_) return;
    flush();
    enabled_ = enabled;
    ++generation_;
}

void MulticastTable::set_flood_unregistered(bool flood) {
    if (flood == flood_unregistered_) return;
    flood_unregistered_ = flood;
    ++generation_;
}

void MulticastTable::set_limits(int64_t aging_s, size_t max_entries) {
    if (aging_s * 1000 < aging_ms_) due_ms_ = 0;
    aging_ms_ = aging_s * 1000;
    max_entries_ = max_entries;
    while (groups_.size() > max_entries_) erase(groups_.begin());
    while (routers_.size() > max_entries_) routers_.pop_front(), ++generation_;
}

const MulticastTable::Group* MulticastTable::find(const packet::Ipv6Addr& group, uint16_t vlan) const {
    auto it = by_key_.find(Key{group, vlan});
    return it == by_key_.end() ? nullptr : &*it->second;
}

bool MulticastTable::is_router(uint16_t vlan, const Bundle* bundle) const {
    return std::any_of(routers_.begin(), routers_.end(),
                       [&](const Router& r) { return r.vlan == vlan && r.bundle == bundle; });
}

MulticastTable::Joined MulticastTable::join(const packet::Ipv6Addr& address, uint16_t vlan, Bundle* bundle,
                                            int64_t now_ms) {
    if (is_router(vlan, bundle)) return Joined::kRenewed;  // it gets everything anyhow
    Key key{address, vlan};
    auto found = by_key_.find(key);
    bool fresh = found == by_key_.end();
    if (fresh) {
        if (groups_.size() >= max_entries_) erase(groups_.begin());
        groups_.push_back({address, vlan, {}});
        found = by_key_.emplace(key, std::prev(groups_.end())).first;
    } else {
        groups_.splice(groups_.end(), groups_, found->second);
    }
    due_ms_ = std::min(due_ms_, now_ms + aging_ms_);
    std::list<Member>& members = found->second->members;
    auto member =
        std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.bundle == bundle; });
    if (member != members.end()) {
        member->used_ms = now_ms;
        members.splice(members.end(), members, member);
        return Joined::kRenewed;
    }
    members.push_back({bundle, now_ms});
    ++generation_;
    return fresh ? Joined::kNewGroup : Joined::kNewMember;
}

bool MulticastTable::leave(const packet::Ipv6Addr& address, uint16_t vlan, const Bundle* bundle) {
    auto found = by_key_.find(Key{address, vlan});
    if (found == by_key_.end()) return false;
    std::list<Member>& members = found->second->members;
    if (!std::erase_if(members, [&](const Member& m) { return m.bundle == bundle; })) return false;
    ++generation_;
    if (members.empty()) erase(found->second);
    return true;
}

bool MulticastTable::note_router(uint16_t vlan, Bundle* bundle, int64_t now_ms) {
    due_ms_ = std::min(due_ms_, now_ms + kRouterLifeMs);
    auto it = std::find_if(routers_.begin(), routers_.end(),
                           [&](const Router& r) { return r.vlan == vlan && r.bundle == bundle; });
    if (it != routers_.end()) {
        it->used_ms = now_ms;
        routers_.splice(routers_.end(), routers_, it);
        return false;
    }
    if (routers_.size() >= max_entries_) routers_.pop_front();
    routers_.push_back({bundle, vlan, now_ms});
    ++generation_;
    return true;
}

void MulticastTable::erase(Groups::iterator group) {
    by_key_.erase(Key{group->address, group->vlan});
    groups_.erase(group);
    ++generation_;
}

void MulticastTable::forget(const Bundle* bundle) {
    for (auto group = groups_.begin(); group != groups_.end();) {
        auto next = std::next(group);
        if (std::erase_if(group->members, [&](const Member& m) { return m.bundle == bundle; })) ++generation_;
        if (group->members.empty()) erase(group);
        group = next;
    }
    if (std::erase_if(routers_, [&](const Router& r) { return r.bundle == bundle; })) ++generation_;
}

void MulticastTable::flush() {
    if (groups_.empty() && routers_.empty()) return;
    by_key_.clear();
    groups_.clear();
    routers_.clear();
    ++generation_;
}

void MulticastTable::expire(int64_t now_ms) {
    if (now_ms < due_ms_) return;
    due_ms_ = INT64_MAX;
    for (auto group = groups_.begin(); group != groups_.end();) {
        auto next = std::next(group);
        std::list<Member>& members = group->members;
        while (!members.empty() && members.front().used_ms + aging_ms_ <= now_ms)
            members.pop_front(), ++generation_;
        if (members.empty())
            erase(group);
        else
            due_ms_ = std::min(due_ms_, members.front().used_ms + aging_ms_);
        group = next;
    }
    while (!routers_.empty() && routers_.front().used_ms + kRouterLifeMs <= now_ms)
        routers_.pop_front(), ++generation_;
    if (!routers_.empty()) due_ms_ = std::min(due_ms_, routers_.front().used_ms + kRouterLifeMs);
}

}  // namespace weft::vswitch
