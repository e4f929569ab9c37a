#include "northd/aging.h"

#include <algorithm>
#include <charconv>

namespace weft::northd {

using ovsdb::get_int;

namespace {

constexpr int64_t kSecond = 1000, kAfterLimit = 5 * kSecond;

std::optional<int64_t> seconds_of(std::string_view text) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > UINT32_MAX)
        return {};
    return value;
}

int prefix_of(const AgeThreshold::Rule& rule) {
    return std::visit([](const auto& n) { return n.prefix; }, rule.network);
}

}  // namespace

std::optional<AgeThreshold> parse_age_threshold(std::string_view text) {
    AgeThreshold out;
    for (std::string_view word : split(text, "; ")) {
        size_t colon = word.rfind(':');
        auto seconds = seconds_of(colon == word.npos ? word : word.substr(colon + 1));
        if (!seconds) return std::nullopt;
        if (colon == word.npos) {
            out.seconds = *seconds;
            continue;
        }
        std::string network(word.substr(0, colon));
        std::erase_if(network, [](char c) { return c == '[' || c == ']'; });  // [fd00::]/64 or [fd00::/64]
        if (auto ip4 = parse_ip4(network)) {
            out.rules.push_back({*ip4, *seconds});
        } else if (auto ip6 = parse_ip6(network)) {
            out.rules.push_back({*ip6, *seconds});
        } else {
            return std::nullopt;
        }
    }
    std::stable_sort(out.rules.begin(), out.rules.end(),
                     [](const auto& a, const auto& b) { return prefix_of(a) > prefix_of(b); });
    return out;
}

int64_t AgeThreshold::of(std::string_view ip) const {
    if (rules.empty()) return seconds;
    auto ip4 = parse_ip4(ip);
    auto ip6 = ip4 ? std::nullopt : parse_ip6(ip);
    for (const Rule& rule : rules) {
        const Ip4* net4 = std::get_if<Ip4>(&rule.network);
        const Ip6Net* net6 = std::get_if<Ip6Net>(&rule.network);
        if (net4 && ip4 && net4->contains(ip4->value)) return rule.seconds;
        if (net6 && ip6 && net6->contains(ip6->value)) return rule.seconds;
    }
    return seconds;
}

int64_t AgeThreshold::shortest() const {
    int64_t out = seconds;
    for (const Rule& rule : rules) {
        if (rule.seconds && (!out || rule.seconds < out)) out = rule.seconds;
    }
    return out;
}

bool AgeThreshold::any() const {
    return shortest() != 0;
}

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
