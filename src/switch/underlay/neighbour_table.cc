#include "switch/underlay/neighbour_table.h"

#include <fmt/format.h>

#include "packet/address.h"
#include "switch/underlay/route_table.h"

namespace weft::vswitch {

namespace {

constexpr int64_t kStopAskingMs = 10'000;  // nobody has wanted it for so long

}  // namespace

bool NeighbourTable::learn(const std::string& bridge, const packet::Ipv6Addr& address,
                           const packet::EthAddr& mac, int64_t now_ms) {
    Key key(bridge, address);
    auto it = entries_.find(key);
    if (it == entries_.end()) {
        if (entries_.size() >= kMostEntries) return false;
        entries_[key] = {mac, now_ms};
        asked_.erase(key);
        return true;
    }
    it->second.used_ms = now_ms;
    if (it->second.mac == mac) return false;
    it->second.mac = mac;
    return true;
}

std::optional<packet::EthAddr> NeighbourTable::find(const std::string& bridge,
                                                    const packet::Ipv6Addr& address) const {
    auto it = entries_.find({bridge, address});
    if (it == entries_.end()) return std::nullopt;
    return it->second.mac;
}

void NeighbourTable::used(const std::string& bridge, const packet::Ipv6Addr& address, int64_t now_ms) {
    auto it = entries_.find({bridge, address});
    if (it != entries_.end()) it->second.used_ms = std::max(it->second.used_ms, now_ms);
}

bool NeighbourTable::ask(const std::string& bridge, const packet::Ipv6Addr& address, int64_t now_ms) {
    auto [it, added] = asked_.try_emplace({bridge, address}, now_ms);
    if (!added && now_ms - it->second < kAskAgainMs) return false;
    it->second = now_ms;
    return true;
}

void NeighbourTable::forget_bridge(const std::string& bridge) {
    std::erase_if(entries_, [&](const auto& one) { return one.first.first == bridge; });
    std::erase_if(asked_, [&](const auto& one) { return one.first.first == bridge; });
}

bool NeighbourTable::expire(int64_t now_ms) {
    std::erase_if(asked_, [&](const auto& one) { return now_ms - one.second >= kStopAskingMs; });
    return std::erase_if(entries_, [&](const auto& one) { return now_ms - one.second.used_ms >= aging_ms_; });
}

std::string NeighbourTable::text() const {
    std::string out =
        "IP                                            MAC                 Bridge\n"
        "==========================================================================\n";
    for (const auto& [key, entry] : entries_)
        out +=
            fmt::format("{:<46}{}   {}\n", address_text(key.second), packet::to_string(entry.mac), key.first);
    return out;
}

}  // namespace weft::vswitch
