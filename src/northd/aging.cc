#include "northd/aging.h"

#include <algorithm>

namespace weft::northd {

using ovsdb::get_int;

namespace {

constexpr int64_t kSecond = 1000, kAfterLimit = 5 * kSecond;

}  // namespace

void Aging::want(Program& program) {
    bool changed = false;
    program.age_rows.take_changes([&](const AgeRow& row, bool added) {
        changed = true;
        auto parsed = parse_age_threshold(row.threshold);
        if (added && parsed && parsed->any()) {
            thresholds_[row.datapath] = *parsed;
        } else if (auto it = thresholds_.find(row.datapath);
                   it != thresholds_.end() && (added || it->second == parsed)) {
            thresholds_.erase(it);
        }
    });
    if (changed) due_ = thresholds_.empty() ? 0 : 1;
}

void Aging::expire(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& southbound,
                   const HashMap<Uuid, Uuid>& owner_of_binding, const ovsdb::StringMap& options,
                   int64_t now_ms) {
    int64_t next = 0;
    bool limited = false;
    auto at = [&](int64_t when) { next = next ? std::min(next, when) : when; };
    // What is learnt from now on is not older than now.
    for (const auto& [owner, threshold] : thresholds_) at(now_ms + threshold.shortest() * kSecond);
    auto look_at = [&](int64_t timestamp, int64_t seconds, int64_t limit, int64_t& removed, auto erase) {
        if (!seconds) return;
        int64_t expires = timestamp + seconds * kSecond;
        if (expires > now_ms) return at(expires);
        if (limit && removed >= limit) {
            limited = true;
            return;
        }
        ++removed;
        erase();
    };
    int64_t limit = get_int(options, "mac_binding_removal_limit"), removed = 0;
    for (const auto& row : southbound.table<sb::MACBinding>()) {
        auto owner = owner_of_binding.find(row.datapath);
        auto threshold =
            owner == owner_of_binding.end() ? thresholds_.end() : thresholds_.find(owner->second);
        if (threshold == thresholds_.end()) continue;
        look_at(row.timestamp, threshold->second.of(row.ip), limit, removed, [&] {
            if (txn.row<sb::MACBinding>(row.uuid)) txn.erase<sb::MACBinding>(row.uuid);
        });
    }
    if (southbound.server_has(sb::FDB::kTimestamp)) {
        HashMap<int64_t, int64_t> seconds_of_key;
        for (const auto& row : southbound.table<sb::DatapathBinding>()) {
            auto owner = owner_of_binding.find(row.uuid);
            auto it = owner == owner_of_binding.end() ? thresholds_.end() : thresholds_.find(owner->second);
            if (it != thresholds_.end()) seconds_of_key[row.tunnel_key] = it->second.seconds;
        }
        limit = get_int(options, "fdb_removal_limit");
        removed = 0;
        for (const auto& row : southbound.table<sb::FDB>()) {
            auto it = seconds_of_key.find(row.dp_key);
            if (it == seconds_of_key.end()) continue;
            look_at(row.timestamp, it->second, limit, removed, [&] {
                if (txn.row<sb::FDB>(row.uuid)) txn.erase<sb::FDB>(row.uuid);
            });
        }
    }
    due_ = limited ? now_ms + kAfterLimit : next ? std::max(next, now_ms + kSecond) : 0;
}

}  // namespace weft::northd
