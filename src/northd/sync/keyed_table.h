// One southbound table that northd owns: the rows it wants, by key, against the rows that there are.
//
// Both sides only mark keys; write() then makes each marked key right, whatever happened to it: a wanted row
// is inserted or its columns set, other rows of the key are deleted.  So foreign changes are put right the
// same way as our own are made.

#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "incremental/output.h"
#include "northd/sync/row_keys.h"
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
            uint32_t place = keys_.make_place(key);
            if (place >= wanted_.size()) wanted_.resize(place + 1);
            std::vector<const Wanted*>& list = wanted_[place];
            if (added) {
                list.push_back(&row);
            } else {
                std::erase(list, &row);
            }
            if (list.empty()) keys_.free_place(key);
            keys_.mark(key);
        });
    }
    // Takes the changes of the replica.  key_of(const Row&) → std::optional<Key>; rows without a key are not
    // ours.
    template <typename KeyOf>
    void have(const ovsdb::client::Replica& replica, KeyOf key_of) {
        for (const auto& change : replica.template changes<Row>()) {
            keys_.forget_row(change.row().uuid);
            if (!change.after) continue;
            std::optional<Key> key = key_of(*change.after);
            if (key) keys_.add_row(change.row().uuid, *key);
        }
    }
    // The same for one row whose key may have changed though the row did not; nullopt: it is gone, or not
    // ours.
    void have_row(const Uuid& row, const std::optional<Key>& key) {
        keys_.forget_row(row);
        if (key) keys_.add_row(row, *key);
    }
    void mark_all() { keys_.mark_all(); }
    void mark(const Key& key) { keys_.mark(key); }
    bool has_marked() const { return keys_.has_marked(); }

    std::optional<Uuid> row_of(const Key& key) const { return keys_.row_of(key); }
    const Wanted* wanted(const Key& key) const {
        uint32_t place = keys_.place(key);
        return place == RowKeys<Key>::kNowhere ? nullptr : wanted_[place].front();
    }
    // f(const Key&, const Wanted&), in no order.
    template <typename F>
    void for_each_wanted(F&& f) const {
        for (const auto& [key, place] : keys_.places()) f(key, *wanted_[place].front());
    }
    // What the last write() left marked, for when its transaction fails.
    void begin() { keys_.begin(); }

    // Makes marked keys right, in order.  `set(txn, uuid, wanted, is_new)` writes the columns; it returns
    // false if something that the row needs is not there yet: then the row waits until it is marked again.
    template <typename Set>
    void write(ovsdb::client::Transaction& txn, Set set) {
        write(txn, set, [](ovsdb::client::Transaction& t, const Uuid& uuid) { t.template erase<Row>(uuid); });
    }
    // The same, where rows that others refer to are taken away by `erase(txn, uuid)`.
    template <typename Set, typename Erase>
    void write(ovsdb::client::Transaction& txn, Set set, Erase erase) {
        for (const Key& key : keys_.take_marked()) {
            const std::vector<Uuid>* rows = keys_.rows(key);
            const Wanted* wanted = this->wanted(key);
            if (rows) {
                for (size_t i = wanted ? 1 : 0; i < rows->size(); ++i) erase(txn, (*rows)[i]);
            }
            if (!wanted) continue;
            if (rows) {
                set(txn, rows->front(), *wanted, false);
                continue;
            }
            Uuid uuid = txn.template insert<Row>();
            keys_.inserted(key, uuid);
            if (!set(txn, uuid, *wanted, true)) {
                txn.template erase<Row>(uuid);
                keys_.not_inserted(key);
            }
        }
    }

  private:
    RowKeys<Key> keys_;
    // By place; the output's.  Several only if the northbound contradicts itself: then the first.
    std::vector<std::vector<const Wanted*>> wanted_;
};

}  // namespace weft::northd
