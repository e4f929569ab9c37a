// A database as its clients know it: without the transactions that are decided, and are the state in memory,
// but that nobody has been told of, because they are not kept yet (storage.h).
//
// What a new monitor is given comes from here; the updates that follow tell it the rest.  Valid until the
// database changes or clients are told more.

#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

class ToldView {
  public:
    explicit ToldView(const Database& database) : database_(database) {}
    // Without `changes`, which come oldest first from here.
    void hide(const ChangeSet& changes);

    const Database& database() const { return database_; }

    // Every row: `visit(uuid, data)`.
    template <typename Visit>
    void for_each(const Table& table, Visit visit) const {
        const Rows* changed = changed_rows(table);
        for (const Row* row : table.rows()) {
            if (!changed || !changed->contains(row->uuid)) visit(row->uuid, *row->data);
        }
        if (!changed) return;
        for (const auto& [uuid, data] : *changed) {
            if (data) visit(uuid, *data);
        }
    }
    // visit(uuid, data): each row of which `column` holds an element of this hash (element_index.h), and a
    // few others.
    template <typename Visit>
    void for_each_holding(const Table& table, int column, size_t element, Visit visit) const {
        const Rows* changed = changed_rows(table);
        table.for_each_holding(column, element, [&](const Row* row) {
            if (!changed || !changed->contains(row->uuid)) visit(row->uuid, *row->data);
        });
        if (!changed) return;
        for (const auto& [uuid, data] : *changed) {
            if (data) visit(uuid, *data);
        }
    }
    // nullptr if there is no such row.
    const RowData* find(const Table& table, const Uuid& uuid) const;

  private:
    using Rows = HashMap<Uuid, const RowData*>;  // as they were before; nullptr: not there

    const Rows* changed_rows(const Table& table) const {
        size_t index = static_cast<size_t>(table.schema().index);
        return index < changed_.size() && !changed_[index].empty() ? &changed_[index] : nullptr;
    }

    const Database& database_;
    std::vector<Rows> changed_;  // by table; empty if nothing is hidden
};

}  // namespace weft::ovsdb
