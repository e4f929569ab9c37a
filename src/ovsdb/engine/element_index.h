// The rows of a table by the elements of one column: whom a condition "==" or "includes" may mean, without a
// look at every row.
//
// It holds hashes: two elements may have the same, so whoever asks checks the rows that it names.  24 bytes
// or less per element.

#pragma once

#include <absl/container/btree_set.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "ovsdb/engine/row_batch.h"

namespace weft::ovsdb {

// Of element `i`: a key, or a pair of a map.
size_t element_hash(const Datum& datum, uint32_t i);

class ElementIndex {
  public:
    explicit ElementIndex(int column) : column_(column) {}

    int column() const { return column_; }
    // Of all rows at once, which is much cheaper than one by one.
    template <typename Rows>
    void build(const Rows& rows) {
        std::vector<Entry> entries;
        auto batch = row_batch<Row>([&](Row* row) { append_entries(entries, row); });
        for (Row* row : rows) batch.add(row);
        batch.flush();
        build_from(std::move(entries));
    }
    void add(Row* row);
    void remove(Row* row);
    void replace(Row* row, const RowData& data);  // before the row has it

    // visit(const Row*) each that holds an element of this hash, once.
    template <typename Visit>
    void for_each(size_t hash, Visit visit) const {
        auto batch = row_batch<const Row>(std::move(visit));
        const Row* last = nullptr;
        for (auto it = entries_.lower_bound({hash, nullptr}); it != entries_.end() && it->first == hash;
             ++it) {
            if (it->second == last) continue;
            batch.add(last = it->second);
        }
        batch.flush();
    }

  private:
    using Entry = std::pair<size_t, Row*>;

    void erase(size_t hash, Row* row);
    void append_entries(std::vector<Entry>& entries, Row* row) const;
    void build_from(std::vector<Entry> entries);

    int column_;
    absl::btree_multiset<Entry> entries_;  // as many as elements: those of one row may hash alike
};

}  // namespace weft::ovsdb
