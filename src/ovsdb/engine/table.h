// A table: its rows by UUID, its unique indexes, indexes of columns that conditions ask for, and who refers
// to its rows weakly.

#pragma once

#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "ovsdb/engine/element_index.h"
#include "ovsdb/engine/row.h"

namespace weft::ovsdb {

struct RowUuidHash {
    using is_transparent = void;
    size_t operator()(const Row* row) const { return absl::Hash<Uuid>()(row->uuid); }
    size_t operator()(const Uuid& uuid) const { return absl::Hash<Uuid>()(uuid); }
};

struct RowUuidEqual {
    using is_transparent = void;
    static const Uuid& uuid(const Row* row) { return row->uuid; }
    static const Uuid& uuid(const Uuid& id) { return id; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
        return uuid(a) == uuid(b);
    }
};

// What an index compares: the values of its columns, in a version of a row.
struct IndexHash {
    using is_transparent = void;
    const std::vector<int>* columns;
    size_t operator()(const RowData& data) const;
    size_t operator()(const Row* row) const { return (*this)(*row->data); }
};

struct IndexEqual {
    using is_transparent = void;
    const std::vector<int>* columns;
    static const RowData& data(const Row* row) { return *row->data; }
    static const RowData& data(const RowData& d) { return d; }
    bool same(const RowData& a, const RowData& b) const;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
        return same(data(a), data(b));
    }
};

// What a Snapshot keeps of a table.
struct TableSnapshot {
    uint32_t number = 0;  // of the snapshot, in Row::snapshot
    std::vector<Row*> rows;
    size_t next = 0;                                    // of rows, to be handed out
    std::vector<std::pair<Uuid, RowRef>> old_versions;  // of rows that changed before they were
    std::vector<std::unique_ptr<Row>> removed;          // `rows` points at them
};

class Table {
  public:
    explicit Table(const TableSchema& schema);
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    using Rows = absl::flat_hash_set<Row*, RowUuidHash, RowUuidEqual>;
    using Index = absl::flat_hash_set<Row*, IndexHash, IndexEqual>;

    const TableSchema& schema() const { return schema_; }
    size_t size() const { return rows_.size(); }
    // For memory/show: of all columns, without _uuid and _version.
    size_t atoms() const { return atoms_; }
    size_t weak_references() const { return weak_references_; }
    Row* find(const Uuid& uuid) const {
        auto it = rows_.find(uuid);
        return it == rows_.end() ? nullptr : *it;
    }
    const Rows& rows() const { return rows_; }
    // The row that has the same values in index `i`, or nullptr.
    Row* find_in_index(size_t i, const RowData& data) const;

    // visit(const Row*): each row of which `column` (not _uuid or _version) holds an element of this hash.
    // The first question about a column builds its index, which is kept: conditions name few columns, and as
    // long as the network lives.
    template <typename Visit>
    void for_each_holding(int column, size_t element, Visit visit) const {
        element_index(column).for_each(element, visit);
    }

    // Columns that hold references, found once.
    const std::vector<int>& strong_columns() const { return strong_columns_; }
    const std::vector<int>& weak_columns() const { return weak_columns_; }

    // Rows (of any table) that refer weakly to `target` of this table, with the number of references.
    struct WeakSource {
        Table* table;
        Row* row;
        bool operator==(const WeakSource&) const = default;
        template <typename H>
        friend H AbslHashValue(H h, const WeakSource& s) {
            return H::combine(std::move(h), s.row);
        }
    };
    using WeakSources = absl::flat_hash_map<WeakSource, uint32_t>;
    const WeakSources* weak_sources(const Uuid& target) const;

    // The low-level steps of a commit; `row` keeps its address.
    Row* add(const Uuid& uuid, RowRef data);
    void replace(Row* row, RowRef data);
    void remove(Row* row);
    // Before several rows of a commit get new values, so that values may move between them.
    void take_from_indexes(Row* row) { unindex(row); }
    void reserve(size_t rows) { rows_.reserve(rows); }
    void add_weak_source(const Uuid& target, WeakSource source);
    void remove_weak_source(const Uuid& target, WeakSource source);
    void set_snapshot(TableSnapshot* snapshot) { snapshot_ = snapshot; }
    // While a database is read, indexes are left out and built at the end.
    void set_indexed(bool indexed);

  private:
    void index(Row* row);
    void unindex(Row* row);
    const ElementIndex& element_index(int column) const;

    const TableSchema& schema_;
    Rows rows_;
    std::vector<Index> indexes_;
    mutable std::vector<ElementIndex> element_indexes_;  // made by questions
    std::vector<int> strong_columns_, weak_columns_;
    absl::flat_hash_map<Uuid, WeakSources> weak_sources_;
    size_t atoms_ = 0;
    size_t weak_references_ = 0;  // to rows of this table
    bool indexed_ = true;
    TableSnapshot* snapshot_ = nullptr;  // being taken
};

}  // namespace weft::ovsdb
