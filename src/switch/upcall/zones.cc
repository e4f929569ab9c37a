// Connection-tracking zones with settings of their own.

#include <fmt/core.h>

#include "switch/upcall/backer.h"

namespace weft::vswitch {

const std::string& Backer::zone_timeout_policy(uint16_t zone) const {
    static const std::string kNone;
    auto it = zone_policies_.find(zone);
    return it == zone_policies_.end() ? kNone : it->second;
}

Result<void> Backer::set_zone_timeouts(std::map<uint16_t, std::map<std::string, uint32_t>> timeouts) {
    if (timeouts == zone_timeouts_) return {};
    datapath::ConnectionTable* table = datapath_->connections();
    if (!table) return Error{"this datapath does not track connections: CT_Zone rows have no effect"};
    zone_timeouts_ = std::move(timeouts);
    std::map<uint16_t, std::string> zones;
    std::map<std::string, std::map<std::string, uint32_t>> used;
    std::map<std::map<std::string, uint32_t>, std::string> names;
    for (const auto& [name, seconds] : policies_) names[seconds] = name;
    for (const auto& [zone, seconds] : zone_timeouts_) {
        auto [it, fresh] = names.try_emplace(seconds);
        if (fresh) {
            it->second = fmt::format("{}", ++last_policy_);
            WEFT_TRY(table->set_timeout_policy(it->second, seconds));
        }
        zones[zone] = it->second;
        used[it->second] = seconds;
    }
    for (const auto& [name, seconds] : policies_) {
        if (!used.contains(name)) table->delete_timeout_policy(name);
    }
    policies_ = std::move(used);
    zone_policies_ = std::move(zones);
    ++own_generation_;  // flows name policies
    return {};
}

void Backer::set_zone_limits(std::optional<uint32_t> default_limit,
                             const std::map<uint16_t, uint32_t>& limits) {
    datapath::ConnectionTable* table = datapath_->connections();
    if (!table) return;
    if (default_limit != default_zone_limit_) table->set_default_limit(default_limit.value_or(0));
    default_zone_limit_ = default_limit;
    if (limits == zone_limits_) return;
    for (const auto& [zone, limit] : zone_limits_) {
        if (!limits.contains(zone)) table->set_zone_limit(zone, std::nullopt);
    }
    for (const auto& [zone, limit] : limits) table->set_zone_limit(zone, limit);
    zone_limits_ = limits;
}

}  // namespace weft::vswitch
