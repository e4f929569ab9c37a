// A table: its rows by UUID, its unique indexes, and who refers to its rows weakly.

#pragma once

#include <memory>
#include <vector>

#include "base/hash_map.h"
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
    Row* find(const Uuid& uuid) const {
        auto it = rows_.find(uuid);
        return it == rows_.end() ? nullptr : *it;
    }
    const Rows& rows() const { return rows_; }
    // The row that has the same values in index `i`, or nullptr.
    Row* find_in_index(size_t i, const RowData& data) const;

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
    RowRef remove(Row* row);  // returns its last version
    // Before several rows of a commit get new values, so that values may move between them.
    void take_from_indexes(Row* row) { unindex(row); }
    void reserve(size_t rows) { rows_.reserve(rows); }
    void add_weak_source(const Uuid& target, WeakSource source);
    void remove_weak_source(const Uuid& target, WeakSource source);
    // While a database is read, indexes are left out and built at the end.
    void set_indexed(bool indexed);

  private:
    void index(Row* row);
    void unindex(Row* row);

    const TableSchema& schema_;
    Rows rows_;
    std::vector<Index> indexes_;
    std::vector<int> strong_columns_, weak_columns_;
    absl::flat_hash_map<Uuid, WeakSources> weak_sources_;
    bool indexed_ = true;
};

}  // namespace weft::ovsdb
