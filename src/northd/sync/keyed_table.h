// One southbound table that northd owns: the rows it wants, by key, against the rows that there are.
//
// Both sides only mark keys; write() then makes each marked key right, whatever happened to it: a wanted row
// is inserted or its columns set, other rows of the key are deleted.  So foreign changes are put right the
// same way as our own are made.

#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "incremental/output.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

template <typename Key, typename Wanted, typename Row>
class KeyedTable {
  public:
    // Takes the changes of an output.  key_of(const Wanted&) → Key.
    template <typename KeyOf>
    void want(incremental::Output<Wanted>& output, KeyOf key_of) {
        output.take_changes([&](const Wanted& row, bool added) {
            Key key = key_of(row);
            std::vector<Wanted>& list = wanted_[key];
            if (added) {
                list.push_back(row);
            } else {
                auto it = std::find(list.begin(), list.end(), row);
                if (it != list.end()) list.erase(it);
                if (list.empty()) wanted_.erase(key);
            }
            dirty_.insert(std::move(key));
        });
    }
    // Takes the changes of the replica.  key_of(const Row&) → std::optional<Key>; rows without a key are not
    // ours.
    template <typename KeyOf>
    void have(const ovsdb::client::Replica& replica, KeyOf key_of) {
        for (const auto& change : replica.template changes<Row>()) {
            const Uuid uuid = change.row().uuid;
            if (auto it = key_of_row_.find(uuid); it != key_of_row_.end()) {
                std::vector<Uuid>& rows = rows_[it->second];
                rows.erase(std::find(rows.begin(), rows.end(), uuid));
                dirty_.insert(it->second);
                if (rows.empty()) rows_.erase(it->second);
                key_of_row_.erase(it);
            }
            if (!change.after) continue;
            std::optional<Key> key = key_of(*change.after);
            if (!key) continue;
            std::vector<Uuid>& rows = rows_[*key];
            rows.insert(std::lower_bound(rows.begin(), rows.end(), uuid), uuid);
            dirty_.insert(*key);
            key_of_row_.emplace(uuid, std::move(*key));
        }
    }
    void mark_all() {
        for (const auto& [key, list] : wanted_) dirty_.insert(key);
        for (const auto& [key, rows] : rows_) dirty_.insert(key);
    }
    void mark(const Key& key) { dirty_.insert(key); }
    bool has_dirty() const { return !dirty_.empty(); }

    // The row of a key: one that exists, or one that this transaction inserts.
    std::optional<Uuid> row_of(const Key& key) const {
        if (auto it = inserted_.find(key); it != inserted_.end()) return it->second;
        auto it = rows_.find(key);
        return it == rows_.end() ? std::nullopt : std::optional<Uuid>(it->second.front());
    }
    const Wanted* wanted(const Key& key) const {
        auto it = wanted_.find(key);
        return it == wanted_.end() ? nullptr : &first(it->second);
    }
    const HashMap<Key, std::vector<Wanted>>& all_wanted() const { return wanted_; }
    // What the last write() left marked, for when its transaction fails.
    void begin() { inserted_.clear(); }

    // Makes marked keys right, in order.  `set(txn, uuid, wanted, is_new)` writes the columns; it returns
    // false if something that the row needs is not there yet: then the row waits until it is marked again.
    template <typename Set>
    void write(ovsdb::client::Transaction& txn, Set set) {
        std::vector<Key> keys(dirty_.begin(), dirty_.end());
        std::sort(keys.begin(), keys.end());
        dirty_.clear();
        for (const Key& key : keys) {
            auto rows = rows_.find(key);
            const Wanted* wanted = this->wanted(key);
            if (rows != rows_.end()) {
                for (size_t i = wanted ? 1 : 0; i < rows->second.size(); ++i) {
                    txn.template erase<Row>(rows->second[i]);
                }
            }
            if (!wanted) continue;
            if (rows != rows_.end()) {
                set(txn, rows->second.front(), *wanted, false);
                continue;
            }
            Uuid uuid = txn.template insert<Row>();
            inserted_[key] = uuid;
            if (!set(txn, uuid, *wanted, true)) {
                txn.template erase<Row>(uuid);
                inserted_.erase(key);
            }
        }
    }

  private:
    static const Wanted& first(const std::vector<Wanted>& list) {
        return list.front();  // several only if the northbound contradicts itself
    }

    HashMap<Key, std::vector<Wanted>> wanted_;
    HashMap<Key, std::vector<Uuid>> rows_;
    HashMap<Uuid, Key> key_of_row_;
    HashSet<Key> dirty_;
    HashMap<Key, Uuid> inserted_;
};

}  // namespace weft::northd
