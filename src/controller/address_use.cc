#include "controller/address_use.h"

#include <algorithm>

#include "incremental/definitions.h"

namespace weft::controller {

namespace sb = schema::sb;
using ovsdb::get_string;

namespace {

constexpr int64_t kSecond = 1000, kMinute = 60 * kSecond;

uint64_t place_of(uint8_t table, uint64_t cookie) {
    return uint64_t{table} << 32 | (cookie & 0xffffffff);
}

}  // namespace

AddressUse::AddressUse(SouthboundView& view) : view_(view) {}
AddressUse::~AddressUse() = default;

void AddressUse::list(const Uuid& uuid) {
    const LocalDatapath* local = view_.local_datapath(uuid);
    const sb::DatapathBinding* row = view_.value(view_.datapaths, uuid);
    if (!local || !row) return;
    for (const char* key : {"mac_binding_age_threshold", "fdb_age_threshold"}) {
        std::string_view text = get_string(row->external_ids, key);
        if (!text.empty()) listed_.emit({uuid, local->key, std::string(text)});
    }
}

void AddressUse::take_changes() {
    bool changed = false;
    listed_.take_changes([&](const AgedDatapath& each, bool added) {
        changed = true;
        auto parsed = added ? logical::parse_age_threshold(each.threshold) : std::nullopt;
        if (parsed && parsed->any()) {
            aged_[each.datapath] = {each.key, *parsed};
        } else if (auto it = aged_.find(each.datapath); it != aged_.end() && !added) {
            if (it->second.threshold == logical::parse_age_threshold(each.threshold)) aged_.erase(it);
        }
    });
    if (!changed) return;
    if (aged_.empty()) {
        next_ms_.reset();
        seen_.clear();
    } else if (!next_ms_) {
        next_ms_ = 0;
    }
}

bool AddressUse::begin_poll(int64_t now_ms) {
    take_changes();
    if (!next_ms_ || now_ms < *next_ms_) return false;
    int64_t shortest = INT64_MAX;
    for (const auto& [uuid, aged] : aged_) shortest = std::min(shortest, aged.threshold.shortest());
    next_ms_ = now_ms + std::clamp(shortest * kSecond / 4, kSecond, kMinute);
    // Flows that the last two polls did not see are gone.
    for (auto it = seen_.begin(); it != seen_.end();) {
        auto at = it++;
        if (at->second.poll + 2 <= poll_) seen_.erase(at);
    }
    ++poll_;
    return true;
}

std::optional<int64_t> AddressUse::next_poll_ms() const {
    return next_ms_;
}

void AddressUse::note(const openflow::FlowStats& flow, int64_t wall_ms) {
    bool known = flow.packets != ~0ULL;
    Seen& seen = seen_[place_of(flow.table, flow.cookie)];
    // A flow that was put in anew counts from zero.
    if (known && flow.packets != seen.packets && flow.packets) {
        seen.used_ms = wall_ms;
        has_news_ = true;
    }
    seen.packets = known ? flow.packets : 0;
    seen.poll = poll_;
}

std::optional<int64_t> AddressUse::due(uint8_t table, const Uuid& row, int64_t timestamp, int64_t seconds,
                                       int64_t wall_ms) const {
    if (!seconds || wall_ms - timestamp < seconds * kSecond / 2) return std::nullopt;
    auto it = seen_.find(place_of(table, cookie_of(row)));
    if (it == seen_.end() || it->second.used_ms <= timestamp) return std::nullopt;
    return it->second.used_ms;
}

void AddressUse::write(const ovsdb::client::Replica& southbound, ovsdb::client::Transaction& txn,
                       int64_t wall_ms) {
    if (!std::exchange(has_news_, false)) return;
    for (const auto& row : southbound.table<sb::MACBinding>()) {
        auto it = aged_.find(row.datapath);
        if (it == aged_.end()) continue;
        auto used = due(kTableMacBinding, row.uuid, row.timestamp, it->second.threshold.of(row.ip), wall_ms);
        if (used) txn.set(row.uuid, sb::MACBinding::kTimestamp, *used);
    }
    if (!southbound.server_has(sb::FDB::kTimestamp)) return;
    HashMap<int64_t, int64_t> seconds_of_key;
    for (const auto& [uuid, aged] : aged_) seconds_of_key[aged.key] = aged.threshold.seconds;
    for (const auto& row : southbound.table<sb::FDB>()) {
        auto it = seconds_of_key.find(row.dp_key);
        if (it == seconds_of_key.end()) continue;
        auto used = due(kTableLookupFdb, row.uuid, row.timestamp, it->second, wall_ms);
        if (used) txn.set(row.uuid, sb::FDB::kTimestamp, *used);
    }
}

}  // namespace weft::controller
