#include "northd/tunnel_keys.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace weft::northd {

namespace {

log::Module lg("northd");

template <typename Row>
int64_t requested_key(const Row& row) {
    if constexpr (std::is_same_v<Row, nb::LogicalSwitch>) {
        return ovsdb::get_int(row.other_config, "requested-tnl-key");
    } else {
        return ovsdb::get_int(row.options, "requested-tnl-key");
    }
}

}  // namespace

void TunnelKeys::load(const ovsdb::client::Replica& southbound) {
    loaded_ = true;
    for (const auto& row : southbound.table<sb::DatapathBinding>()) {
        std::string_view text = ovsdb::get_string(row.external_ids, "logical-switch");
        if (text.empty()) text = ovsdb::get_string(row.external_ids, "logical-router");
        if (auto owner = Uuid::parse(text)) existing_[*owner] = row.tunnel_key;
        if (row.tunnel_key <= space_.max_datapath_key) hint_ = std::max(hint_, row.tunnel_key);
    }
}

void TunnelKeys::forget() {
    keys_.clear();
    requested_.clear();
    existing_.clear();
    used_.clear();
    waiting_.clear();
    hint_ = 0;
    loaded_ = false;
}

bool TunnelKeys::take(const Uuid& uuid, int64_t key) {
    if (key < 1 || key > kMaxRequestedDatapathKey || !used_.insert(key).second) return false;
    keys_[uuid] = key;
    inputs_.tunnel_keys.set(uuid, key);
    return true;
}

int64_t TunnelKeys::release(const Uuid& uuid) {
    auto it = keys_.find(uuid);
    if (it == keys_.end()) return 0;
    int64_t key = it->second;
    used_.erase(key);
    keys_.erase(it);
    freed_ = true;
    return key;
}

void TunnelKeys::update(const ovsdb::client::Replica& nb_replica, const ovsdb::client::Replica& southbound,
                        const TunnelSpace& space) {
    std::vector<Datapath> fresh;
    bool all = !loaded_ || space != space_;  // what was not possible may be now
    if (space != space_) requested_.clear();
    space_ = space;
    if (!loaded_) load(southbound);
    auto look_at = [&]<typename Row>(const Row*) {
        auto consider = [&](const Row& row) {
            int64_t requested = requested_key(row);
            auto it = requested_.find(row.uuid);
            if (keys_.contains(row.uuid) && it != requested_.end() && it->second == requested) return;
            requested_[row.uuid] = requested;
            waiting_.erase(row.uuid);
            if (keys_.contains(row.uuid) && (!requested || keys_.at(row.uuid) == requested)) return;
            int64_t had = release(row.uuid);
            fresh.push_back({row.uuid, row.name, requested, had});
        };
        if (all) {
            for (const Row& row : nb_replica.table<Row>()) consider(row);
        }
        for (const auto& change : nb_replica.changes<Row>()) {
            if (change.after) {
                if (!all) consider(*change.after);
            } else {
                release(change.before->uuid);
                requested_.erase(change.before->uuid);
                waiting_.erase(change.before->uuid);
                inputs_.tunnel_keys.erase(change.before->uuid);
            }
        }
    };
    look_at(static_cast<const nb::LogicalSwitch*>(nullptr));
    look_at(static_cast<const nb::LogicalRouter*>(nullptr));

    give(std::move(fresh));
    existing_.clear();
    serve_waiting();
}

void TunnelKeys::give(std::vector<Datapath> datapaths) {
    std::sort(datapaths.begin(), datapaths.end(), [](const Datapath& a, const Datapath& b) {
        return std::tie(a.name, a.uuid) < std::tie(b.name, b.uuid);
    });
    std::vector<Datapath> rest, without;
    for (const Datapath& datapath : datapaths) {
        bool possible = datapath.requested >= 1 && datapath.requested <= space_.max_requested_key;
        if (possible && take(datapath.uuid, datapath.requested)) continue;
        if (possible) {
            lg.warn("{}: requested-tnl-key {} is the key of another switch or router", datapath.name,
                    datapath.requested);
            waiting_[datapath.uuid] = datapath;
        } else if (datapath.requested) {
            lg.warn("{}: requested-tnl-key {} is not between 1 and {}", datapath.name, datapath.requested,
                    space_.max_requested_key);
        }
        rest.push_back(datapath);
    }
    for (const Datapath& datapath : rest) {
        auto it = existing_.find(datapath.uuid);
        int64_t had = it == existing_.end() ? datapath.had : it->second;
        if (!take(datapath.uuid, had)) without.push_back(datapath);
    }
    for (const Datapath& datapath : without) {
        for (int64_t tries = 0; tries < space_.max_datapath_key; ++tries) {
            hint_ = hint_ % space_.max_datapath_key + 1;
            if (take(datapath.uuid, hint_)) break;
        }
    }
}

void TunnelKeys::serve_waiting() {
    while (std::exchange(freed_, false)) {
        for (auto it = waiting_.begin(); it != waiting_.end();) {
            if (used_.contains(it->second.requested)) {
                ++it;
                continue;
            }
            release(it->first);
            take(it->first, it->second.requested);
            it = waiting_.erase(it);
        }
    }
}

}  // namespace weft::northd
