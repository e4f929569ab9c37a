#include "ovsdb/engine/database.h"

#include <cassert>

#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

Database::Database(std::shared_ptr<const DatabaseSchema> schema) : schema_(std::move(schema)) {
    for (const TableSchema& table : schema_->tables) tables_.push_back(std::make_unique<Table>(table));
}

Table* Database::find_table(std::string_view name) {
    const TableSchema* table = schema_->find_table(name);
    return table ? tables_[static_cast<size_t>(table->index)].get() : nullptr;
}

const Table* Database::find_table(std::string_view name) const {
    return const_cast<Database*>(this)->find_table(name);
}

size_t Database::rows() const {
    size_t total = 0;
    for (const auto& table : tables_) total += table->size();
    return total;
}

size_t Database::atoms() const {
    size_t total = 0;
    for (const auto& table : tables_) total += table->atoms() + 2 * table->size();
    return total;
}

size_t Database::cells() const {
    size_t total = 0;
    for (const auto& table : tables_) total += table->size() * (table->schema().columns.size() + 2);
    return total;
}

size_t Database::weak_references() const {
    size_t total = 0;
    for (const auto& table : tables_) total += table->weak_references();
    return total;
}

RowRef Database::new_row(const TableSchema& table) {
    RowRef data(RowData::create(static_cast<uint32_t>(table.columns.size())));
    for (const ColumnSchema& column : table.columns) (*data)[column.index] = column.default_value;
    data->set_version(next_version());
    return data;
}

// A row's references to itself do not count: they would keep it alive for ever.
void Database::count_strong(const Table& source, const Row& row, int by) {
    const RowData& data = *row.data;
    for (int column : source.strong_columns()) {
        const ColumnType& type = source.schema().columns[static_cast<size_t>(column)].type;
        for_each_reference(type, data[column], RefType::kStrong, [&](int target_table, const Uuid& uuid) {
            Row* target = table(target_table).find(uuid);
            if (target && target != &row) {
                target->strong_references =
                    static_cast<uint32_t>(static_cast<int>(target->strong_references) + by);
            }
        });
    }
}

void Database::count_weak(Table& source, Row* row, const RowData& data, bool add) {
    for (int column : source.weak_columns()) {
        const ColumnType& type = source.schema().columns[static_cast<size_t>(column)].type;
        for_each_reference(type, data[column], RefType::kWeak, [&](int target_table, const Uuid& uuid) {
            if (add) {
                table(target_table).add_weak_source(uuid, {&source, row});
            } else {
                table(target_table).remove_weak_source(uuid, {&source, row});
            }
        });
    }
}

void Database::change(Table& source, const Uuid& uuid, const RowRef& before, const RowRef& after) {
    if (!before) {
        source.add(uuid, after);
        return;
    }
    Row* row = source.find(uuid);
    assert(row);
    if (after) {
        source.replace(row, after);
    } else {
        source.remove(row);
    }
}

namespace {

// Only the columns that differ are counted, and only the references that differ within them.
template <typename Count>
void count_differences(const Table& table, const std::vector<int>& columns, RefType kind,
                       const RowChange& change, Count count) {
    for (int column : columns) {
        const ColumnType& type = table.schema().columns[static_cast<size_t>(column)].type;
        auto all = [&](const Datum& datum, int by) {
            Database::for_each_reference(type, datum, kind,
                                         [&](int target, const Uuid& uuid) { count(target, uuid, by); });
        };
        if (!change.before || !change.after) {
            all((change.after ? *change.after : *change.before)[column], change.after ? 1 : -1);
            continue;
        }
        const Datum &old_value = (*change.before)[column], &new_value = (*change.after)[column];
        if (old_value == new_value) continue;
        all(set_subtract(old_value, new_value), -1);
        all(set_subtract(new_value, old_value), 1);
    }
}

}  // namespace

void Database::apply(const ChangeSet& changes) {
    // Weak references of rows that go, while their addresses are known; then the rows; then the references of
    // rows that came or stayed, and all strong counts.
    auto weak = [&](Table& source, const RowChange& change, Row* row) {
        count_differences(source, source.weak_columns(), RefType::kWeak, change,
                          [&](int target, const Uuid& uuid, int by) {
                              if (by > 0) {
                                  table(target).add_weak_source(uuid, {&source, row});
                              } else {
                                  table(target).remove_weak_source(uuid, {&source, row});
                              }
                          });
    };
    for (const TableChange& group : changes.tables) {
        Table& source = table(group.table->index);
        for (const RowChange& change : group.rows) {
            if (!change.after) weak(source, change, source.find(change.uuid));
        }
    }
    for (const TableChange& group : changes.tables) {
        Table& source = table(group.table->index);
        // Deletions first, so that an index value may move from one row to another.
        for (const RowChange& c : group.rows) {
            if (!c.after) change(source, c.uuid, c.before, c.after);
        }
        if (source.schema().indexes.empty()) {
            for (const RowChange& c : group.rows) {
                if (c.after) change(source, c.uuid, c.before, c.after);
            }
            continue;
        }
        for (const RowChange& c : group.rows) {
            if (c.before && c.after) source.take_from_indexes(source.find(c.uuid));
        }
        for (const RowChange& c : group.rows) {
            if (c.after) change(source, c.uuid, c.before, c.after);
        }
    }
    for (const TableChange& group : changes.tables) {
        Table& source = table(group.table->index);
        for (const RowChange& change : group.rows) {
            if (change.after) weak(source, change, source.find(change.uuid));
            count_differences(
                source, source.strong_columns(), RefType::kStrong, change,
                [&](int target_table, const Uuid& uuid, int by) {
                    Row* target = table(target_table).find(uuid);
                    if (target && !(target_table == group.table->index && uuid == change.uuid)) {
                        target->strong_references =
                            static_cast<uint32_t>(static_cast<int>(target->strong_references) + by);
                    }
                });
        }
    }
}

void Database::revert(const ChangeSet& changes) {
    ChangeSet inverse;
    for (const TableChange& group : changes.tables) {
        TableChange& out = inverse.tables.emplace_back(TableChange{group.table, {}});
        for (const RowChange& change : group.rows)
            out.rows.push_back({change.uuid, change.after, change.before});
    }
    // A row that comes back has no strong references yet, and gets the right number: it could only be deleted
    // because every row that referred to it was changed or deleted with it, and those are in the change set.
    apply(inverse);
}

void Database::load_begin() {
    for (auto& table : tables_) table->set_indexed(false);
}

void Database::load_row(Table& table, const Uuid& uuid, RowRef data) {
    Row* row = table.find(uuid);
    if (row && data) {
        table.replace(row, std::move(data));
    } else if (row) {
        table.remove(row);
    } else if (data) {
        table.add(uuid, std::move(data));
    }
}

void Database::load_finish() {
    for (auto& source : tables_) {
        source->set_indexed(true);
        auto batch = row_batch<Row>([&](Row* row) {
            count_strong(*source, *row, 1);
            count_weak(*source, row, *row->data, true);
        });
        for (Row* row : source->rows()) batch.add(row);
        batch.flush();
    }
}

}  // namespace weft::ovsdb
