#include "northd/acl_ids.h"

#include <algorithm>
#include <vector>

#include "base/log.h"

namespace weft::northd {

namespace {

log::Module lg("northd");
constexpr int64_t kMaxId = 32767;  // of ACL_ID:id; 0 is none

}  // namespace

bool persists_established(const nb::ACL& row) {
    return row.action == "allow-related" && ovsdb::get_bool(row.options, "persist-established");
}

void AclIds::forget() {
    ids_.clear();
    used_.clear();
    loaded_ = false;
}

void AclIds::load(const ovsdb::client::Replica& southbound) {
    loaded_ = stale_ = true;
    former_.clear();
    for (const auto& row : southbound.table<sb::ACLID>()) {
        former_[row.uuid] = row.id;
        last_ = std::max(last_, row.id);
    }
}

int64_t AclIds::next_free() {
    for (int64_t tries = 0; tries < kMaxId; ++tries) {
        last_ = last_ % kMaxId + 1;
        if (used_.insert(last_).second) return last_;
    }
    return 0;
}

void AclIds::give(const Uuid& acl) {
    if (ids_.contains(acl)) return;
    auto former = former_.find(acl);
    int64_t id = former == former_.end() ? 0 : former->second;
    if (!id || !used_.insert(id).second) id = next_free();
    if (!id) {
        static log::RateLimit limit(1, 60);
        if (limit.pass(lg)) lg.warn("ACL {}: no number is left for persist-established", acl.to_string());
        return;
    }
    ids_[acl] = id;
    inputs_.acl_ids.set(acl, id);
    stale_ = true;
}

void AclIds::take_back(const Uuid& acl) {
    auto it = ids_.find(acl);
    if (it == ids_.end()) return;
    used_.erase(it->second);
    ids_.erase(it);
    inputs_.acl_ids.erase(acl);
    stale_ = true;
}

void AclIds::update(const ovsdb::client::Replica& northbound, const ovsdb::client::Replica& southbound) {
    std::vector<Uuid> wanting;
    if (!loaded_) {
        load(southbound);
        for (const Uuid& acl : inputs_.acl_ids.keys()) inputs_.acl_ids.erase(acl);
        for (const auto& row : northbound.table<nb::ACL>()) {
            if (persists_established(row)) wanting.push_back(row.uuid);
        }
    } else {
        for (const auto& change : northbound.changes<nb::ACL>()) {
            if (change.after && persists_established(*change.after)) {
                wanting.push_back(change.after->uuid);
            } else {
                take_back(change.row().uuid);
            }
        }
    }
    std::sort(wanting.begin(), wanting.end());
    // Those that had a number first, so that no other one takes it.
    for (const Uuid& acl : wanting) {
        if (former_.contains(acl)) give(acl);
    }
    for (const Uuid& acl : wanting) give(acl);
    former_.clear();
    if (!southbound.changes<sb::ACLID>().empty()) stale_ = true;
}

void AclIds::write(ovsdb::client::Transaction& txn, const ovsdb::client::Replica& southbound) {
    if (!stale_ || !southbound.server_has(sb::ACLID::table_info())) return;
    stale_ = false;
    for (const auto& row : southbound.table<sb::ACLID>()) {
        auto it = ids_.find(row.uuid);
        if (it == ids_.end()) {
            txn.erase<sb::ACLID>(row.uuid);
        } else {
            txn.set(row.uuid, sb::ACLID::kId, it->second);
        }
    }
    for (const auto& [acl, id] : ids_) {
        if (southbound.find<sb::ACLID>(acl)) continue;
        txn.insert_as<sb::ACLID>(acl);
        txn.set(acl, sb::ACLID::kId, id);
    }
}

}  // namespace weft::northd
