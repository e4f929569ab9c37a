#include "ovsdb/engine/element_index.h"

#include <algorithm>

#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

size_t element_hash(const Datum& datum, uint32_t i) {
    size_t hash = datum.key(i).hash();
    return datum.is_map() ? hash * 31 + datum.value(i).hash() : hash;
}

void ElementIndex::append_entries(std::vector<Entry>& entries, Row* row) const {
    const Datum& datum = (*row->data)[column_];
    for (uint32_t i = 0; i < datum.size(); ++i) entries.emplace_back(element_hash(datum, i), row);
}

void ElementIndex::build_from(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end());
    entries_.clear();
    for (const Entry& entry : entries) entries_.insert(entries_.end(), entry);
}

void ElementIndex::erase(size_t hash, Row* row) {
    auto it = entries_.find({hash, row});
    if (it != entries_.end()) entries_.erase(it);
}

void ElementIndex::add(Row* row) {
    const Datum& datum = (*row->data)[column_];
    for (uint32_t i = 0; i < datum.size(); ++i) entries_.emplace(element_hash(datum, i), row);
}

void ElementIndex::remove(Row* row) {
    const Datum& datum = (*row->data)[column_];
    for (uint32_t i = 0; i < datum.size(); ++i) erase(element_hash(datum, i), row);
}

void ElementIndex::replace(Row* row, const RowData& data) {
    const Datum &before = (*row->data)[column_], &after = data[column_];
    if (before == after) return;
    Datum gone = set_subtract(before, after), come = set_subtract(after, before);
    for (uint32_t i = 0; i < gone.size(); ++i) erase(element_hash(gone, i), row);
    for (uint32_t i = 0; i < come.size(); ++i) entries_.emplace(element_hash(come, i), row);
}

}  // namespace weft::ovsdb
