#include "ovsdb/engine/snapshot.h"

#include <cassert>

namespace weft::ovsdb {

namespace {

// Distinct for all snapshots of a process, and never 0, which is what new rows have.
uint32_t next_number() {
    static uint32_t last = 0;
    if (++last == 0) ++last;
    return last;
}

}  // namespace

Snapshot::Snapshot(Database& database) : database_(database) {
    uint32_t number = next_number();
    for (const auto& table : database_.tables()) {
        auto& snapshot = tables_.emplace_back(std::make_unique<TableSnapshot>());
        snapshot->number = number;
        // One walk: assign() would count the rows of the set by another.
        snapshot->rows.reserve(table->size());
        for (Row* row : table->rows()) snapshot->rows.push_back(row);
        table->set_snapshot(snapshot.get());
    }
}

Snapshot::~Snapshot() {
    for (const auto& table : database_.tables()) table->set_snapshot(nullptr);
}

bool Snapshot::next(size_t max, Piece& piece) {
    piece.rows.clear();
    for (; current_ < tables_.size(); ++current_) {
        TableSnapshot& table = *tables_[current_];
        piece.table = &database_.table(static_cast<int>(current_)).schema();
        while (piece.rows.size() < max && table.next < table.rows.size()) {
            Row* row = table.rows[table.next++];
            if (row->snapshot == table.number) continue;  // its version of that moment is among the old ones
            row->snapshot = table.number;
            piece.rows.emplace_back(row->uuid, row->data);
        }
        while (piece.rows.size() < max && !table.old_versions.empty()) {
            piece.rows.push_back(std::move(table.old_versions.back()));
            table.old_versions.pop_back();
        }
        if (!piece.rows.empty()) return true;
        // Everything of this table was handed out, so nothing comes back to it.
        table.rows = {};
    }
    return false;
}

}  // namespace weft::ovsdb
