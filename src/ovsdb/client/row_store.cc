#include "ovsdb/client/row_store.h"

#include <algorithm>

namespace weft::ovsdb::client {

TableStore::~TableStore() {
    clear_changes();
    for (auto& [uuid, row] : rows_) info_->destroy(row);
}

void TableStore::free_change(RowChange& change) {
    if (change.deleted && change.deleted != change.before) info_->destroy(change.deleted);
    if (change.before) info_->destroy(change.before);
}

void TableStore::clear_changes() {
    if (keeper_) hand_over();
    for (auto& [uuid, change] : changes_) free_change(change);
    changes_.clear();
}

void TableStore::set_keeper(RowKeeper* keeper) {
    assert(rows_.empty() || !keeper);
    assert(indexes_.empty() && "a table whose rows are kept elsewhere has no indexes");
    keeper_ = keeper;
}

void* TableStore::take_back(const Uuid& uuid) const {
    void* row = keeper_->take_back(uuid);
    if (!row) return nullptr;
    rows_.emplace(uuid, row);
    taken_back_.push_back(uuid);
    return row;
}

void TableStore::offer(const Uuid& uuid) {
    auto at = rows_.find(uuid);
    if (at == rows_.end() || !keeper_->keep(at->second)) return;
    info_->destroy(at->second);
    rows_.erase(at);
}

void TableStore::hand_over() {
    for (const auto& [uuid, change] : changes_) {
        if (change.after) offer(uuid);
    }
    for (const Uuid& uuid : std::exchange(taken_back_, {})) offer(uuid);
    if (rows_.capacity() > 1000 && rows_.size() < rows_.capacity() / 4) rows_.rehash(0);
}

bool TableStore::has_index(size_t column) const {
    return std::any_of(indexes_.begin(), indexes_.end(), [&](const Index& i) { return i.column == column; });
}

void TableStore::add_index(size_t column) {
    if (has_index(column)) return;
    indexes_.push_back({column, {}});
    for (auto& [uuid, row] : rows_) {
        indexes_.back()
            .rows[info_->columns[column].codec->hash(field_of(row, info_->columns[column]))]
            .push_back(row);
    }
}

void TableStore::index_row(void* row, bool add) {
    for (Index& index : indexes_) {
        const ColumnInfo& column = info_->columns[index.column];
        size_t hash = column.codec->hash(field_of(row, column));
        if (add) {
            index.rows[hash].push_back(row);
            continue;
        }
        auto it = index.rows.find(hash);
        assert(it != index.rows.end());
        std::vector<void*>& same = it->second;
        auto at = std::find(same.begin(), same.end(), row);
        assert(at != same.end());
        *at = same.back();
        same.pop_back();
        if (same.empty()) index.rows.erase(it);
    }
}

ColumnSet TableStore::differences(const void* a, const void* b, ColumnSet among) const {
    ColumnSet out;
    for (const ColumnInfo& column : info_->columns) {
        if (among.has(column.index) && !column.codec->equal(field_of(a, column), field_of(b, column))) {
            out.add(column.index);
        }
    }
    return out;
}

void TableStore::insert(void* row) {
    Uuid uuid = uuid_of(row);
    assert(!find(uuid));
    if (track_changes_) {
        auto [it, first] = changes_.try_emplace(uuid);
        if (first) {
            it->second.after = row;
            it->second.columns = ColumnSet::all();
        } else {
            restore(it->second, row);
            row = it->second.after;
            if (it->second.columns.empty()) {
                free_change(it->second);
                changes_.erase(it);
            }
        }
    }
    rows_.emplace(uuid, row);
    index_row(row, true);
}

// A deleted row came back as `row`: it takes its old place, so that pointers to it hold.
void TableStore::restore(RowChange& change, void* row) {
    void* place = std::exchange(change.deleted, nullptr);
    assert(place);
    if (change.before == place) change.before = info_->clone(place);
    for (const ColumnInfo& column : info_->columns) {
        column.codec->copy(field_of(row, column), field_of(place, column));
    }
    info_->destroy(row);
    change.after = place;
    change.columns = differences(change.before, place, ColumnSet::all());
}

void TableStore::erase(const Uuid& uuid) {
    [[maybe_unused]] const void* there = find(uuid);  // from the keeper, perhaps
    assert(there);
    auto found = rows_.find(uuid);
    void* row = found->second;
    index_row(row, false);
    Uuid key = uuid;  // `uuid` may lie in the row
    rows_.erase(found);
    if (!track_changes_) {
        info_->destroy(row);
        return;
    }
    auto [it, first] = changes_.try_emplace(key);
    RowChange& change = it->second;
    if (!first && !change.before) {  // inserted and deleted before anybody looked
        info_->destroy(row);
        changes_.erase(it);
        return;
    }
    if (first) change.before = row;
    change.deleted = row;
    change.after = nullptr;
    change.columns = ColumnSet::all();
}

void* TableStore::begin_modify(const Uuid& uuid) {
    assert(!modified_before_);
    [[maybe_unused]] const void* there = find(uuid);  // from the keeper, perhaps
    assert(there);
    void* row = rows_.find(uuid)->second;
    index_row(row, false);
    if (track_changes_ && !changes_.contains(uuid)) modified_before_ = info_->clone(row);
    return row;
}

void TableStore::end_modify(void* row, ColumnSet touched) {
    index_row(row, true);
    if (!track_changes_) return;
    const Uuid& uuid = uuid_of(row);
    if (void* before = std::exchange(modified_before_, nullptr)) {
        ColumnSet columns = differences(before, row, touched);
        if (columns.empty()) {
            info_->destroy(before);
        } else {
            changes_.emplace(uuid, RowChange{before, row, nullptr, columns});
        }
        return;
    }
    RowChange& change = changes_.at(uuid);
    if (!change.before) return;  // inserted: its after is this row
    change.columns = differences(change.before, row, change.columns | touched);
    if (change.columns.empty()) {
        info_->destroy(change.before);
        changes_.erase(uuid);
    }
}

Store::Store(const DatabaseInfo& database, bool track_changes) : database_(&database) {
    for (const TableInfo* table : database.tables) {
        tables_.push_back(std::make_unique<TableStore>(*table, track_changes));
    }
}

void Store::clear_changes() {
    for (auto& table : tables_) table->clear_changes();
}

}  // namespace weft::ovsdb::client
