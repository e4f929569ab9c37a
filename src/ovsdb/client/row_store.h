// Where a replica's rows live: one TableStore per table, with indexes and the record of changes.
//
// Types are erased here (rows are `void*` to the struct that TableInfo describes); Replica puts typed views
// on top, and the database tools use this face directly, by TableInfo and ColumnInfo.

#pragma once

#include <cassert>
#include <functional>
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

// Who keeps the rows of a table in a form of its own: a client that has most of what they say anyway.
//
// The table then holds only rows that changed since the last clear_changes(), and those that somebody looked
// up; clear_changes() offers both to the keeper.  A row is either here or with the keeper.
class RowKeeper {
  public:
    virtual ~RowKeeper() = default;
    // True: it has all that the row says, and the row is freed.  False: the row stays in the table.
    virtual bool keep(const void* row) = 0;
    // The row as it was, made anew, no longer the keeper's; nullptr: the keeper has none.
    virtual void* take_back(const Uuid& uuid) = 0;
    virtual void for_each_kept(const std::function<void(const Uuid&)>& f) const = 0;
};

class TableStore {
  public:
    TableStore(const TableInfo& info, bool track_changes) : info_(&info), track_changes_(track_changes) {}
    ~TableStore();
    TableStore(TableStore&&) = delete;

    // Before the first row comes; nullptr before the keeper goes, and with it what it has.
    void set_keeper(RowKeeper* keeper);
    bool has_keeper() const { return keeper_ != nullptr; }

    const TableInfo& info() const { return *info_; }
    // Those that are not with a keeper.
    const RowMap& rows() const { return rows_; }
    const void* find(const Uuid& uuid) const {
        auto it = rows_.find(uuid);
        if (it != rows_.end()) return it->second;
        return keeper_ ? take_back(uuid) : nullptr;
    }
    template <typename F>
    void for_each_uuid(F&& f) const {
        for (const auto& [uuid, row] : rows_) f(uuid);
        if (keeper_) keeper_->for_each_kept(f);
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
    void* take_back(const Uuid& uuid) const;
    void hand_over();
    void offer(const Uuid& uuid);

    const TableInfo* info_;
    bool track_changes_;
    // Looking up a row that the keeper has brings it here.
    mutable RowMap rows_;
    mutable std::vector<Uuid> taken_back_;  // since the last hand_over()
    RowKeeper* keeper_ = nullptr;
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
