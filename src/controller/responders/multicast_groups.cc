#include "controller/responders/multicast_groups.h"

namespace weft::controller {

bool MulticastGroups::join(const std::string& group, uint32_t port_key, int64_t now_ms) {
    auto it = groups_.find(group);
    if (it == groups_.end()) {
        if (group != kRouters && groups_.size() >= table_size_) return false;
        it = groups_.emplace(group, Ports()).first;
    }
    auto [port, added] = it->second.insert_or_assign(port_key, now_ms + idle_timeout_ms_);
    return added;
}

bool MulticastGroups::leave(const std::string& group, uint32_t port_key) {
    auto it = groups_.find(group);
    if (it == groups_.end() || !it->second.erase(port_key)) return false;
    if (it->second.empty()) groups_.erase(it);
    return true;
}

bool MulticastGroups::note(const MulticastMessage& message, uint32_t port_key, int64_t now_ms) {
    bool changed = message.query && join(kRouters, port_key, now_ms);
    for (const MulticastMessage::Membership& each : message.memberships) {
        changed |= each.joins ? join(each.group, port_key, now_ms) : leave(each.group, port_key);
    }
    return changed;
}

bool MulticastGroups::expire(int64_t now_ms) {
    bool changed = false;
    for (auto& [group, ports] : groups_) {
        changed |= std::erase_if(ports, [&](const auto& port) { return port.second <= now_ms; }) > 0;
    }
    std::erase_if(groups_, [](const auto& group) { return group.second.empty(); });
    return changed;
}

std::optional<int64_t> MulticastGroups::due_ms() const {
    std::optional<int64_t> due;
    for (const auto& [group, ports] : groups_) {
        for (const auto& [port, until] : ports) {
            if (!due || until < *due) due = until;
        }
    }
    return due;
}

std::map<std::string, std::set<uint32_t>> MulticastGroups::members() const {
    std::map<std::string, std::set<uint32_t>> members;
    for (const auto& [group, ports] : groups_) {
        for (const auto& [port, until] : ports) members[group].insert(port);
    }
    return members;
}

}  // namespace weft::controller
