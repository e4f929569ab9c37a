#include "ovsdb/engine/transaction.h"

#include <fmt/format.h>

#include <cassert>

#include "ovsdb/data/datum_text.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

const ColumnSchema& column_of(const Table& table, int index) {
    return table.schema().columns[static_cast<size_t>(index)];
}

bool is_noop(const TransactionRow& change) {
    if (!change.row) return !change.data;
    if (!change.data) return false;
    const RowData& before = *change.row->data;
    if (change.data.get() == &before) return true;
    for (uint32_t i = 0; i < before.size(); ++i) {
        int column = static_cast<int>(i);
        if (!(before[column] == (*change.data)[column])) return false;
    }
    return true;
}

}  // namespace

Transaction::Transaction(Database& database) : database_(database), inserted_(database.tables().size()) {}

Transaction::~Transaction() {
    for (Touched& touched : touched_) {
        if (touched.change->row) touched.change->row->pending = nullptr;
    }
}

TransactionRow* Transaction::pending(const Table& table, const Uuid& uuid) const {
    if (const Row* row = table.find(uuid)) return row->pending;
    const Inserted& inserted = inserted_[static_cast<size_t>(table.schema().index)];
    auto it = inserted.find(uuid);
    return it == inserted.end() ? nullptr : it->second;
}

TransactionRow& Transaction::touch(Table& table, Row* row) {
    if (!row->pending) {
        touched_.push_back(
            {&table, std::make_unique<TransactionRow>(TransactionRow{row, row->uuid, row->data, 0})});
        row->pending = touched_.back().change.get();
    }
    return *row->pending;
}

bool Transaction::may_insert(const Table& table, const Uuid& uuid) const {
    return !table.find(uuid) && !find(table, uuid);
}

RowData& Transaction::insert(Table& table, const Uuid& uuid) {
    RowRef data = database_.new_row(table.schema());
    Inserted& inserted = inserted_[static_cast<size_t>(table.schema().index)];
    auto [it, fresh] = inserted.try_emplace(uuid, nullptr);
    if (fresh) {
        touched_.push_back({&table, std::make_unique<TransactionRow>(TransactionRow{nullptr, uuid, {}, 0})});
        it->second = touched_.back().change.get();
    }
    assert(!it->second->data);
    it->second->data = data;
    return *data;
}

const RowData* Transaction::find(const Table& table, const Uuid& uuid) const {
    if (const TransactionRow* change = pending(table, uuid)) return change->data.get();
    const Row* row = table.find(uuid);
    return row ? row->data.get() : nullptr;
}

RowData* Transaction::modify(Table& table, const Uuid& uuid) {
    if (Row* row = table.find(uuid)) {
        TransactionRow& change = touch(table, row);
        if (!change.data) return nullptr;
        if (change.data.get() == row->data.get()) {
            change.data = RowRef(row->data->copy());
            change.data->set_version(database_.next_version());
        }
        return change.data.get();
    }
    TransactionRow* change = pending(table, uuid);
    return change ? change->data.get() : nullptr;
}

bool Transaction::erase(Table& table, const Uuid& uuid) {
    if (Row* row = table.find(uuid)) {
        TransactionRow& change = touch(table, row);
        if (!change.data) return false;
        change.data = RowRef();
        return true;
    }
    TransactionRow* change = pending(table, uuid);
    if (!change || !change->data) return false;
    change->data = RowRef();
    return true;
}

DbResult<void> Transaction::refer(const Table& source, int column, const Uuid& source_uuid, int target_table,
                                  const Uuid& target, int by) {
    Table& table = database_.table(target_table);
    if (&table == &source && target == source_uuid) return {};  // a row does not keep itself alive
    TransactionRow* change = nullptr;
    if (Row* row = table.find(target)) {
        change = &touch(table, row);
    } else {
        change = pending(table, target);
        if (change && !change->data && by > 0) change = nullptr;
    }
    if (!change) {
        if (by < 0) return {};
        return DbError("referential integrity violation",
                       fmt::format("Table {} column {} row {} references nonexistent row {} in table {}.",
                                   source.schema().name, column_of(source, column).name,
                                   source_uuid.to_string(), target.to_string(), table.schema().name));
    }
    change->references += by;
    return {};
}

DbResult<void> Transaction::count_references_of(const Table& table, TransactionRow& change) {
    DbResult<void> result;
    for (int column : table.strong_columns()) {
        const ColumnType& type = column_of(table, column).type;
        auto count = [&](const Datum& datum, int by) {
            Database::for_each_reference(
                type, datum, RefType::kStrong, [&](int target_table, const Uuid& target) {
                    auto counted = refer(table, column, change.uuid, target_table, target, by);
                    if (!counted && result) result = counted.error();
                });
        };
        const RowData* before = change.row ? change.row->data.get() : nullptr;
        const RowData* after = change.data.get();
        if (before && after) {
            const Datum &old_value = (*before)[column], &new_value = (*after)[column];
            if (old_value == new_value) continue;
            count(set_subtract(old_value, new_value), -1);
            count(set_subtract(new_value, old_value), 1);
        } else if (before || after) {
            count((before ? *before : *after)[column], before ? -1 : 1);
        }
        if (!result) return result;
    }
    return result;
}

DbResult<void> Transaction::count_references() {
    // Rows that are only referred to are touched on the way; they have nothing to count.
    for (size_t i = 0, n = touched_.size(); i < n; ++i) {
        Table* table = touched_[i].table;
        if (auto counted = count_references_of(*table, *touched_[i].change); !counted) return counted;
    }
    return {};
}

DbResult<void> Transaction::check_deleted() const {
    for (const Touched& touched : touched_) {
        const TransactionRow& change = *touched.change;
        if (change.data) continue;
        int64_t references = change.references + (change.row ? change.row->strong_references : 0);
        if (references > 0) {
            return DbError("referential integrity violation",
                           fmt::format("cannot delete {} row {} because of {} remaining reference(s)",
                                       touched.table->schema().name, change.uuid.to_string(), references));
        }
    }
    return {};
}

DbResult<void> Transaction::collect_garbage() {
    // New entries of touched_ appear at its end, and a row may lose its last reference after it was looked
    // at.
    std::vector<size_t> work;
    auto is_garbage = [&](const Touched& touched) {
        const TransactionRow& change = *touched.change;
        return change.data && !database_.schema().is_root(touched.table->schema()) &&
               change.references + (change.row ? change.row->strong_references : 0) == 0 &&
               (!change.row || change.references != 0);
    };
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < touched_.size(); ++i) {
            if (!is_garbage(touched_[i])) continue;
            found = true;
            TransactionRow& change = *touched_[i].change;
            const Table& table = *touched_[i].table;
            RowRef last = change.data;
            change.data = RowRef();
            for (int column : table.strong_columns()) {
                Database::for_each_reference(
                    column_of(table, column).type, (*last)[column], RefType::kStrong,
                    [&](int target_table, const Uuid& target) {
                        (void)refer(table, column, change.uuid, target_table, target, -1).ok();
                    });
            }
        }
    }
    return {};
}

DbResult<void> Transaction::check_max_rows() const {
    absl::flat_hash_map<const Table*, int64_t> added;
    for (const Touched& touched : touched_) {
        if (touched.table->schema().max_rows == UINT32_MAX) continue;
        added[touched.table] += (touched.change->data ? 1 : 0) - (touched.change->row ? 1 : 0);
    }
    for (const auto& [table, by] : added) {
        int64_t rows = static_cast<int64_t>(table->size()) + by;
        if (by > 0 && rows > table->schema().max_rows) {
            return DbError("constraint violation",
                           fmt::format("transaction causes \"{}\" table to contain {} rows, greater than the "
                                       "schema-defined limit of {} row(s)",
                                       table->schema().name, rows, table->schema().max_rows));
        }
    }
    return {};
}

DbResult<void> Transaction::drop_weak_references_of(Table& table, TransactionRow& change) {
    for (int column : table.weak_columns()) {
        const ColumnSchema& schema = column_of(table, column);
        const Datum value = (*change.data)[column];
        DatumBuilder kept(value.key_type(), value.value_type());
        uint32_t dropped = 0;
        bool dropped_zero = false;
        auto dangles = [&](const BaseType& base, const AtomView& atom) {
            if (!base.is_weak_ref() || find(database_.table(base.ref_table_index), atom.uuid())) return false;
            dropped_zero = dropped_zero || atom.uuid().is_zero();
            return true;
        };
        for (uint32_t i = 0; i < value.size(); ++i) {
            bool gone = dangles(schema.type.key, value.key(i));
            if (!gone && value.is_map()) gone = dangles(schema.type.value, value.value(i));
            if (gone) {
                ++dropped;
            } else if (value.is_map()) {
                kept.add(value.key(i), value.value(i));
            } else {
                kept.add(value.key(i));
            }
        }
        if (!dropped) continue;
        Datum rest = kept.finish_sorted();
        if (rest.size() < schema.type.min) {
            std::string where = fmt::format("column \"{}\" in \"{}\" row {} ({})", schema.name,
                                            table.schema().name, change.uuid.to_string(), describe(change));
            if (dropped_zero) {
                return DbError(
                    "constraint violation",
                    fmt::format("Weak reference {} contained all-zeros UUID (probably as the default value "
                                "for this column) but deleting this value caused a constraint volation "
                                "because this column is not allowed to be empty.",
                                where));
            }
            return DbError(
                "constraint violation",
                fmt::format("Deletion of {} weak reference(s) to deleted (or never-existing) rows from {} "
                            "caused this column to become empty, but constraints on this column disallow "
                            "an empty column.",
                            dropped, where));
        }
        (*modify(table, change.uuid))[column] = std::move(rest);
    }
    return {};
}

DbResult<void> Transaction::drop_weak_references() {
    // Rows that this transaction wrote, and committed rows that refer to rows it deleted.
    std::vector<std::pair<Table*, Row*>> sources;
    for (const Touched& touched : touched_) {
        if (touched.change->data || !touched.change->row) continue;
        const Table::WeakSources* found = touched.table->weak_sources(touched.change->uuid);
        if (!found) continue;
        for (const auto& [source, count] : *found) sources.emplace_back(source.table, source.row);
    }
    absl::flat_hash_set<const Row*> affected;
    for (auto [table, row] : sources) {
        touch(*table, row);
        affected.insert(row);
    }
    for (size_t i = 0, n = touched_.size(); i < n; ++i) {
        TransactionRow& change = *touched_[i].change;
        if (!change.data || touched_[i].table->weak_columns().empty()) continue;
        bool written = !change.row || change.data.get() != change.row->data.get();
        if (!written && !affected.contains(change.row)) continue;
        if (auto dropped = drop_weak_references_of(*touched_[i].table, change); !dropped) return dropped;
    }
    return {};
}

std::string Transaction::describe(const TransactionRow& change) const {
    if (!change.row) return "inserted within this transaction";
    return is_noop(change) ? "not modified within this transaction" : "modified within this transaction";
}

DbResult<void> Transaction::check_indexes() const {
    auto history = [](const TransactionRow* change) -> std::string {
        if (!change || is_noop(*change)) {
            return "existed in the database before this transaction and was not modified by the transaction";
        }
        if (!change->row) return "was inserted by this transaction";
        return "existed in the database before this transaction, but was modified by this transaction";
    };
    auto conflict = [&](const Table& table, const std::vector<int>& columns, const Uuid& first,
                        const TransactionRow* first_change, const TransactionRow& second) {
        std::string names, values;
        for (size_t i = 0; i < columns.size(); ++i) {
            const char* separator = !i                        ? ""
                                    : columns.size() == 2     ? " and "
                                    : i + 1 == columns.size() ? ", and "
                                                              : ", ";
            const ColumnSchema& column = column_of(table, columns[i]);
            names += fmt::format("{}\"{}\"", separator, column.name);
            values += separator + to_text((*second.data)[columns[i]], column.type);
        }
        return DbError(
            "constraint violation",
            fmt::format("Transaction causes multiple rows in \"{}\" table to have identical values ({}) for "
                        "index on column{} {}.  First row, with UUID {}, {}.  Second row, with UUID {}, {}.",
                        table.schema().name, values, columns.size() == 1 ? "" : "s", names, first.to_string(),
                        history(first_change), second.uuid.to_string(), history(&second)));
    };
    struct Key {
        const std::vector<int>* columns;
        const TransactionRow* change;
        bool operator==(const Key& o) const {
            return columns == o.columns && IndexEqual{columns}.same(*change->data, *o.change->data);
        }
    };
    struct KeyHash {
        size_t operator()(const Key& key) const {
            return IndexHash{key.columns}(*key.change->data) + reinterpret_cast<size_t>(key.columns);
        }
    };
    absl::flat_hash_set<Key, KeyHash> seen;
    for (const Touched& touched : touched_) {
        const TransactionRow& change = *touched.change;
        const Table& table = *touched.table;
        if (!change.data || (change.row && change.data.get() == change.row->data.get())) continue;
        for (size_t i = 0; i < table.schema().indexes.size(); ++i) {
            const std::vector<int>& columns = table.schema().indexes[i];
            IndexEqual equal{&columns};
            if (change.row && equal.same(*change.data, *change.row->data)) continue;
            auto [it, fresh] = seen.insert(Key{&columns, &change});
            if (!fresh) return conflict(table, columns, it->change->uuid, it->change, change);
            const Row* other = table.find_in_index(i, *change.data);
            if (!other || other == change.row) continue;
            const RowRef& now = other->pending ? other->pending->data : other->data;
            if (now && equal.same(*now, *change.data)) {
                return conflict(table, columns, other->uuid, other->pending, change);
            }
        }
    }
    return {};
}

ChangeSet Transaction::change_set() const {
    ChangeSet changes;
    std::vector<TableChange*> by_table(database_.tables().size());
    changes.tables.reserve(by_table.size());
    for (const Touched& touched : touched_) {
        const TransactionRow& change = *touched.change;
        if (is_noop(change)) continue;
        TableChange*& group = by_table[static_cast<size_t>(touched.table->schema().index)];
        if (!group) group = &changes.tables.emplace_back(TableChange{&touched.table->schema(), {}});
        group->rows.push_back({change.uuid, change.row ? change.row->data : RowRef(), change.data});
    }
    return changes;
}

DbResult<ChangeSet> Transaction::commit() {
    if (auto counted = count_references(); !counted) return counted.error();
    if (auto checked = check_deleted(); !checked) return checked.error();
    if (auto collected = collect_garbage(); !collected) return collected.error();
    if (auto checked = check_max_rows(); !checked) return checked.error();
    if (auto dropped = drop_weak_references(); !dropped) return dropped.error();
    if (auto checked = check_indexes(); !checked) return checked.error();
    ChangeSet changes = change_set();
    for (Touched& touched : touched_) {
        if (touched.change->row) touched.change->row->pending = nullptr;
    }
    touched_.clear();
    for (Inserted& inserted : inserted_) inserted.clear();
    if (!changes.empty()) {
        changes.id = Uuid::random();
        database_.apply(changes);
    }
    return changes;
}

}  // namespace weft::ovsdb
