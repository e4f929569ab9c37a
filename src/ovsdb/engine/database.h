// A database in memory: the tables of one schema, and the steps that keep reference counts and indexes true
// when rows change.  Pure: no files, no sockets.
//
// Transactions (transaction.h) decide; apply() makes a decided change set the state, and revert() takes it
// back when it could not be kept.

#pragma once

#include <memory>
#include <vector>

#include "ovsdb/data/schema.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/table.h"

namespace weft::ovsdb {

class Database {
  public:
    explicit Database(std::shared_ptr<const DatabaseSchema> schema);

    const DatabaseSchema& schema() const { return *schema_; }
    const std::shared_ptr<const DatabaseSchema>& shared_schema() const { return schema_; }
    Table& table(int index) { return *tables_[static_cast<size_t>(index)]; }
    const Table& table(int index) const { return *tables_[static_cast<size_t>(index)]; }
    Table* find_table(std::string_view name);
    const Table* find_table(std::string_view name) const;
    const std::vector<std::unique_ptr<Table>>& tables() const { return tables_; }
    size_t rows() const;
    // For memory/show: with _uuid and _version of each row.
    size_t atoms() const;
    size_t cells() const;
    size_t weak_references() const;
    uint64_t next_version() { return ++version_; }

    void apply(const ChangeSet& changes);
    void revert(const ChangeSet& changes);

    // Reading a log: rows are set one by one without bookkeeping (`data` empty: deleted), then finish_load()
    // counts references and builds the indexes.
    void load_begin();
    void load_row(Table& table, const Uuid& uuid, RowRef data);
    void load_finish();

    // A row of default values.
    RowRef new_row(const TableSchema& table);

    // Calls `visit(target table index, uuid)` for every reference of `kind` in a column's value.
    template <typename Visit>
    static void for_each_reference(const ColumnType& type, const Datum& datum, RefType kind, Visit visit) {
        if (!type.key.ref_table.empty() && type.key.ref_type == kind) {
            for (const Uuid& uuid : datum.uuids()) visit(type.key.ref_table_index, uuid);
        }
        if (!type.value.ref_table.empty() && type.value.ref_type == kind) {
            for (uint32_t i = 0; i < datum.size(); ++i)
                visit(type.value.ref_table_index, datum.value(i).uuid());
        }
    }

  private:
    void change(Table& table, const Uuid& uuid, const RowRef& before, const RowRef& after);
    void count_strong(const Table& table, const Row& row, int by);
    void count_weak(Table& table, Row* row, const RowData& data, bool add);

    std::shared_ptr<const DatabaseSchema> schema_;
    std::vector<std::unique_ptr<Table>> tables_;
    uint64_t version_ = 0;
};

}  // namespace weft::ovsdb
