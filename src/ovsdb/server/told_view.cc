#include "ovsdb/server/told_view.h"

namespace weft::ovsdb {

void ToldView::hide(const ChangeSet& changes) {
    changed_.resize(database_.tables().size());
    for (const TableChange& group : changes.tables) {
        Rows& rows = changed_[static_cast<size_t>(group.table->index)];
        for (const RowChange& change : group.rows) rows.try_emplace(change.uuid, change.before.get());
    }
}

const RowData* ToldView::find(const Table& table, const Uuid& uuid) const {
    if (const Rows* changed = changed_rows(table)) {
        if (auto it = changed->find(uuid); it != changed->end()) return it->second;
    }
    const Row* row = table.find(uuid);
    return row ? row->data.get() : nullptr;
}

}  // namespace weft::ovsdb
