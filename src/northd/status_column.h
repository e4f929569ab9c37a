// A column of the northbound database in which northd tells what it knows of a row: what it wants there, and
// which rows are to be compared with that.

#pragma once

#include <utility>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "incremental/output.h"
#include "ovsdb/client/replica.h"

namespace weft::northd {

template <typename Row, typename T>
class StatusColumn {
  public:
    explicit StatusColumn(const ovsdb::client::Column<Row, T>& column) : column_(column) {}

    // Takes the changes of an output.  value_of(const Wanted&) → (the row's uuid, its value).
    template <typename Wanted, typename ValueOf>
    void want(incremental::Output<Wanted>& output, ValueOf value_of) {
        output.take_changes([&](const Wanted& row, bool added) {
            std::pair<Uuid, T> wanted = value_of(row);
            auto it = wanted_.find(wanted.first);
            if (added) {
                wanted_[wanted.first] = wanted.second;
            } else if (it != wanted_.end() && it->second == wanted.second) {
                wanted_.erase(it);
            }
            dirty_.insert(wanted.first);
        });
    }
    // Takes the changes of the replica: who else writes is corrected.
    void have(const ovsdb::client::Replica& replica) {
        for (const auto& change : replica.template changes<Row>()) dirty_.insert(change.row().uuid);
    }
    void mark_all() {
        for (const auto& [uuid, value] : wanted_) dirty_.insert(uuid);
    }
    void write(const ovsdb::client::Replica& replica, ovsdb::client::Transaction& txn) {
        for (const Uuid& uuid : std::exchange(dirty_, {})) {
            auto it = wanted_.find(uuid);
            if (it != wanted_.end() && replica.template find<Row>(uuid)) txn.set(uuid, column_, it->second);
        }
    }

  private:
    const ovsdb::client::Column<Row, T>& column_;
    HashMap<Uuid, T> wanted_;
    HashSet<Uuid> dirty_;
};

}  // namespace weft::northd
