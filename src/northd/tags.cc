#include "northd/tags.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace weft::northd {

void Tags::set_claim(const TagClaim& claim) {
    Port& port = ports_[claim.port];
    if (port.claim == claim) return;
    bool keeps = port.wants_any() && claim.request == 0 && port.claim.parent == claim.parent;
    if (!keeps) release(port);
    port.claim = claim;
    due_.insert(claim.port);
}

void Tags::erase_claim(const Uuid& uuid) {
    auto it = ports_.find(uuid);
    if (it == ports_.end()) return;
    release(it->second);
    if (auto waiting = waiting_.find(it->second.claim.parent); waiting != waiting_.end()) {
        waiting->second.erase(uuid);
    }
    ports_.erase(it);
    due_.erase(uuid);
    before_.erase(uuid);
    shortages_.erase(uuid);
}

void Tags::suggest(const Uuid& uuid, int64_t tag) {
    auto it = ports_.find(uuid);
    if (it == ports_.end() || it->second.tag) return;
    it->second.suggested = tag;
    due_.insert(uuid);
}

std::optional<int64_t> Tags::find(const Uuid& uuid) const {
    auto it = ports_.find(uuid);
    return it == ports_.end() ? std::nullopt : it->second.tag;
}

void Tags::take(Port& port, int64_t tag) {
    port.tag = tag;
    if (!port.claim.parent.empty()) used_[port.claim.parent][tag].insert(port.claim.port);
}

void Tags::release(Port& port) {
    if (!port.tag) return;
    before_.emplace(port.claim.port, port.tag);
    auto used = used_.find(port.claim.parent);
    if (used != used_.end()) {
        auto it = used->second.find(*port.tag);
        if (it != used->second.end()) {
            it->second.erase(port.claim.port);
            if (it->second.empty()) used->second.erase(it);
        }
        if (used->second.empty()) used_.erase(used);
    }
    port.tag.reset();
    if (auto waiting = waiting_.find(port.claim.parent); waiting != waiting_.end()) {
        due_.insert(waiting->second.begin(), waiting->second.end());
    }
}

void Tags::assign(Port& port) {
    const TagClaim& claim = port.claim;
    shortages_.erase(claim.port);
    before_.emplace(claim.port, port.tag);
    std::optional<int64_t> suggested = port.suggested;
    port.suggested.reset();
    if (!claim.request) return release(port);
    if (*claim.request > 0) {
        release(port);
        take(port, *claim.request);
        if (!claim.parent.empty() && used_[claim.parent][*claim.request].size() > 1) {
            shortages_[claim.port] =
                fmt::format("Logical_Switch_Port {}: tag {} is also that of another port of its parent {}",
                            claim.name, *claim.request, claim.parent);
        }
        return;
    }
    if (claim.parent.empty()) return release(port);
    if (port.tag) return;
    const std::map<int64_t, std::set<Uuid>>& used = used_[claim.parent];
    waiting_[claim.parent].erase(claim.port);
    int64_t tag = 0;
    if (suggested && *suggested >= 1 && *suggested <= max_ && !used.contains(*suggested)) {
        tag = *suggested;
    } else {
        int64_t next = 1;  // the lowest gap
        for (const auto& [each, ports] : used) {
            if (each != next) break;
            ++next;
        }
        if (next > max_) {
            waiting_[claim.parent].insert(claim.port);
            shortages_[claim.port] = fmt::format(
                "Logical_Switch_Port {}: all tags of its parent {} are in use", claim.name, claim.parent);
            return;
        }
        tag = next;
    }
    take(port, tag);
}

std::vector<Uuid> Tags::settle() {
    while (!due_.empty()) {
        std::set<Uuid> due;
        std::swap(due, due_);
        std::vector<std::tuple<int, std::string, Uuid>> turns;  // what is asked for by number, what is kept
        for (const Uuid& uuid : due) {
            auto it = ports_.find(uuid);
            if (it == ports_.end()) continue;
            const Port& port = it->second;
            int rank = port.claim.request.value_or(1) > 0 ? 0 : port.tag || port.suggested ? 1 : 2;
            turns.emplace_back(rank, port.claim.name, uuid);
        }
        std::sort(turns.begin(), turns.end());
        for (const auto& [rank, name, uuid] : turns) assign(ports_.at(uuid));
    }
    std::vector<Uuid> changed;
    for (const auto& [uuid, before] : before_) {
        if (find(uuid) != before) changed.push_back(uuid);
    }
    before_.clear();
    std::sort(changed.begin(), changed.end());
    return changed;
}

}  // namespace weft::northd
