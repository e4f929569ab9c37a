// Where a replica's rows live: one TableStore per table, with indexes and the record of changes.
//
// Types are erased here (rows are `void*` to the struct that TableInfo describes); Replica puts typed views
// on top, and the database tools use this face directly, by TableInfo and ColumnInfo.

#pragma once

#include <cassert>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/uuid.h"
#include "ovsdb/client/table_info.h"

namespace weft::ovsdb::client {

using RowMap = HashMap<Uuid, void*>;

struct RowChange {
    void* before = nullptr;   // owned, or nullptr: inserted
    void* after = nullptr;    // the row in the table, or nullptr: deleted
    void* deleted = nullptr;  // owned (may be `before` itself): the object that was in the table, kept for
                              // who points to it
    ColumnSet columns;
};
using ChangeMap = HashMap<Uuid, RowChange>;

class TableStore {
  public:
    TableStore(const TableInfo& info, bool track_changes) : info_(&info), track_changes_(track_changes) {}
    ~TableStore();
    TableStore(TableStore&&) = delete;

    const TableInfo& info() const { return *info_; }
    const RowMap& rows() const { return rows_; }
    const void* find(const Uuid& uuid) const {
        auto it = rows_.find(uuid);
        return it == rows_.end() ? nullptr : it->second;
    }
    const ChangeMap& changes() const { return changes_; }
    void clear_changes();

    void add_index(size_t column);
    bool has_index(size_t column) const;
    // Calls visit(row) for every row whose column has this hash, until it returns false.
    template <typename F>
    void visit_index(size_t column, size_t hash, F&& visit) const {
        for (const Index& index : indexes_) {
            if (index.column != column) continue;
            auto it = index.rows.find(hash);
            if (it == index.rows.end()) return;
            for (const void* row : it->second) {
                if (!visit(row)) return;
            }
            return;
        }
        assert(!"find_by() on a column without add_index()");
    }

    // The writers, used while updates are applied.  A row given is taken over.
    void insert(void* row);
    void erase(const Uuid& uuid);
    // Starts a modification: the row, to be changed in place until end_modify() is told which columns were
    // touched. Touching means that they may differ; what really does is found out at the end.
    void* begin_modify(const Uuid& uuid);
    void end_modify(void* row, ColumnSet touched);

  private:
    struct Index {
        size_t column;
        HashMap<size_t, std::vector<void*>> rows;
    };
    void free_change(RowChange& change);
    void restore(RowChange& change, void* row);
    void index_row(void* row, bool add);
    ColumnSet differences(const void* a, const void* b, ColumnSet among) const;

    const TableInfo* info_;
    bool track_changes_;
    RowMap rows_;
    ChangeMap changes_;
    std::vector<Index> indexes_;
    void* modified_before_ = nullptr;  // between begin_modify() and end_modify()
};

class Store {
  public:
    Store(const DatabaseInfo& database, bool track_changes);

    const DatabaseInfo& database() const { return *database_; }
    TableStore& table(const TableInfo& info) { return *tables_[info.index]; }
    const TableStore& table(const TableInfo& info) const { return *tables_[info.index]; }
    void clear_changes();

  private:
    const DatabaseInfo* database_;
    std::vector<std::unique_ptr<TableStore>> tables_;
};

}  // namespace weft::ovsdb::client
