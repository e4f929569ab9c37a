#include "northd/allocations.h"

#include <utility>
#include <vector>

#include "base/log.h"

namespace weft::northd {

namespace {

log::Module lg("northd");

using Port = nb::LogicalSwitchPort;

// The net changes of an output that has at most one item per key: (key, item or null), removals first.
template <typename Row, typename KeyOf, typename F>
void take(incremental::Output<Row>& output, KeyOf key_of, F&& f) {
    std::vector<Uuid> removed;
    std::vector<Row> added;
    output.take_changes([&](const Row& row, bool present) {
        if (present) {
            added.push_back(row);
        } else {
            removed.push_back(key_of(row));
        }
    });
    HashSet<Uuid> stay;
    for (const Row& row : added) stay.insert(key_of(row));
    for (const Uuid& uuid : removed) {
        if (!stay.contains(uuid)) f(uuid, static_cast<const Row*>(nullptr));
    }
    for (const Row& row : added) f(key_of(row), &row);
}

}  // namespace

void Allocations::forget() {
    for (const Uuid& uuid : program_.in.dynamic_addresses.keys()) program_.in.dynamic_addresses.erase(uuid);
    for (const Uuid& uuid : program_.in.tags.keys()) program_.in.tags.erase(uuid);
    ipam_ = Ipam();
    for (const Uuid& uuid : program_.in.queues.keys()) program_.in.queues.erase(uuid);
    tags_ = Tags();
    queues_ = Tags(kMaxQueue);
    written_.clear();
    reload_ = true;
}

void Allocations::suggest(const Port& row) {
    if (row.dynamic_addresses) {
        if (auto had = parse_assignment(*row.dynamic_addresses)) ipam_.suggest(row.uuid, *had);
    }
    if (row.tag) tags_.suggest(row.uuid, *row.tag);
}

void Allocations::take_pools() {
    take(
        program_.address_pools, [](const PoolRow& row) { return row.switch_uuid; },
        [&](const Uuid& uuid, const PoolRow* row) {
            if (row) {
                ipam_.set_pool(uuid, row->pool);
            } else {
                ipam_.erase_pool(uuid);
            }
        });
}

void Allocations::take_claims(const ovsdb::client::Replica& northbound) {
    auto suggest_new = [&](const Uuid& uuid, bool has) {
        const Port* row = has ? nullptr : northbound.find<Port>(uuid);
        if (row) suggest(*row);
    };
    take(
        program_.address_claims, [](const AddressClaim& claim) { return claim.owner; },
        [&](const Uuid& uuid, const AddressClaim* claim) {
            if (!claim) {
                ipam_.erase_claim(uuid);
                if (program_.in.dynamic_addresses.find(uuid)) gone_ = true;
                program_.in.dynamic_addresses.erase(uuid);
                changed_.insert(uuid);
                return;
            }
            ipam_.set_claim(*claim);
            suggest_new(uuid, ipam_.find(uuid) != nullptr);
        });
    take(
        program_.tag_claims, [](const TagClaim& claim) { return claim.port; },
        [&](const Uuid& uuid, const TagClaim* claim) {
            if (!claim) {
                tags_.erase_claim(uuid);
                program_.in.tags.erase(uuid);
                gone_ = true;
                return;
            }
            tags_.set_claim(*claim);
            suggest_new(uuid, tags_.find(uuid).has_value());
        });
    take(
        program_.queue_claims, [](const TagClaim& claim) { return claim.port; },
        [&](const Uuid& uuid, const TagClaim* claim) {
            if (claim) return take_queue(*claim);
            queues_.erase_claim(uuid);
            program_.in.queues.erase(uuid);
            gone_ = true;
        });
}

void Allocations::take_queue(const TagClaim& claim) {
    queues_.set_claim(claim);
    const BindingState* binding = program_.in.bindings.find(claim.name);
    if (binding && binding->queue && !queues_.find(claim.port)) queues_.suggest(claim.port, binding->queue);
}

// Addresses that somebody else wrote are taken up if they are valid.
void Allocations::take_suggestions(const ovsdb::client::Replica& northbound) {
    for (const auto& change : northbound.changes<Port>()) {
        if (!change.after) {
            written_.erase(change.before->uuid);
            continue;
        }
        if (!change.modified() || !change.columns.has(Port::kDynamicAddresses)) continue;
        const Port& row = *change.after;
        changed_.insert(row.uuid);
        auto it = written_.find(row.uuid);
        if (it != written_.end() && row.dynamic_addresses == it->second) continue;
        suggest(row);
    }
}

bool Allocations::update(const ovsdb::client::Replica& northbound) {
    for (const auto& row : northbound.table<nb::NBGlobal>()) {
        auto mac = parse_mac(std::string(ovsdb::get_string(row.options, "mac_prefix")) + ":00:00:00");
        if (!mac) return false;  // write_global() will choose one
        ipam_.set_mac_prefix(static_cast<uint32_t>(mac_value(*mac) >> 24));
    }
    if (reload_) {
        program_.address_pools.for_each(
            [&](const PoolRow& row) { ipam_.set_pool(row.switch_uuid, row.pool); });
        program_.address_claims.for_each([&](const AddressClaim& claim) { ipam_.set_claim(claim); });
        program_.tag_claims.for_each([&](const TagClaim& claim) { tags_.set_claim(claim); });
        program_.queue_claims.for_each([&](const TagClaim& claim) { take_queue(claim); });
        for (const Port& row : northbound.table<Port>()) {
            suggest(row);
            changed_.insert(row.uuid);
        }
        reload_ = false;
    }
    take_pools();
    take_claims(northbound);
    take_suggestions(northbound);
    bool news = std::exchange(gone_, false);
    for (const Uuid& uuid : queues_.settle()) {
        news = true;
        if (auto queue = queues_.find(uuid)) {
            program_.in.queues.set(uuid, *queue);
        } else {
            program_.in.queues.erase(uuid);
        }
    }
    for (const Uuid& uuid : ipam_.settle()) {
        news = true;
        changed_.insert(uuid);
        if (const Assignment* now = ipam_.find(uuid)) {
            std::string text = assignment_text(*now);
            lg.info("Assigned dynamic address '{}' to port '{}'", text, ipam_.name_of(uuid));
            program_.in.dynamic_addresses.set(uuid, std::move(text));
        } else {
            program_.in.dynamic_addresses.erase(uuid);
        }
    }
    for (const Uuid& uuid : tags_.settle()) {
        news = true;
        changed_.insert(uuid);
        if (auto tag = tags_.find(uuid)) {
            program_.in.tags.set(uuid, *tag);
        } else {
            program_.in.tags.erase(uuid);
        }
    }
    complain();
    return news;
}

void Allocations::complain() {
    auto each = [&](const std::map<Uuid, std::string>& shortages) {
        for (const auto& [uuid, text] : shortages) {
            std::string& before = complained_[uuid];
            if (before != text) lg.warn("{}", text);
            before = text;
        }
    };
    each(ipam_.shortages());
    each(tags_.shortages());
    if (complained_.size() > ipam_.shortages().size() + tags_.shortages().size()) {
        absl::erase_if(complained_, [&](const auto& item) {
            return !ipam_.shortages().contains(item.first) && !tags_.shortages().contains(item.first);
        });
    }
}

void Allocations::write(ovsdb::client::Transaction& txn, const Uuid& uuid) {
    std::optional<std::string> text;
    if (const std::string* chosen = program_.in.dynamic_addresses.find(uuid)) text = *chosen;
    if (text) {
        written_[uuid] = *text;
    } else {
        written_.erase(uuid);
    }
    txn.set(uuid, Port::kDynamicAddresses, text);
    if (auto tag = tags_.find(uuid)) txn.set(uuid, Port::kTag, tag);
}

}  // namespace weft::northd
