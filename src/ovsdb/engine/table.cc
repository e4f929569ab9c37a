#include "ovsdb/engine/table.h"

#include <cassert>

#include "ovsdb/engine/row_batch.h"

namespace weft::ovsdb {

size_t IndexHash::operator()(const RowData& data) const {
    size_t h = 0;
    for (int column : *columns) h = h * 31 + data[column].hash();
    return h * 0x9e3779b97f4a7c15u;
}

bool IndexEqual::same(const RowData& a, const RowData& b) const {
    for (int column : *columns) {
        if (!(a[column] == b[column])) return false;
    }
    return true;
}

Table::Table(const TableSchema& schema) : schema_(schema) {
    for (const std::vector<int>& columns : schema.indexes) {
        indexes_.emplace_back(0, IndexHash{&columns}, IndexEqual{&columns});
    }
    for (const ColumnSchema& column : schema.columns) {
        if (column.type.key.is_strong_ref() || column.type.value.is_strong_ref())
            strong_columns_.push_back(column.index);
        if (column.type.key.is_weak_ref() || column.type.value.is_weak_ref())
            weak_columns_.push_back(column.index);
    }
}

Table::~Table() {
    auto batch = row_batch<Row>([](Row* row) { delete row; });
    for (Row* row : rows_) batch.add(row);
    batch.flush();
}

Row* Table::find_in_index(size_t i, const RowData& data) const {
    auto it = indexes_[i].find(data);
    return it == indexes_[i].end() ? nullptr : *it;
}

void Table::index(Row* row) {
    if (!indexed_) return;
    for (Index& index : indexes_) index.insert(row);
}

void Table::unindex(Row* row) {
    if (!indexed_) return;
    for (Index& index : indexes_) {
        // Within a commit another row may hold the same values for a moment; only this row's entry goes.
        auto it = index.find(row);
        if (it != index.end() && *it == row) index.erase(it);
    }
}

namespace {

size_t atoms_of(const RowData& data) {
    size_t atoms = 0;
    for (uint32_t i = 0; i < data.size(); ++i) {
        const Datum& datum = data[static_cast<int>(i)];
        atoms += datum.size() * (datum.is_map() ? 2 : 1);
    }
    return atoms;
}

}  // namespace

const ElementIndex& Table::element_index(int column) const {
    for (const ElementIndex& index : element_indexes_) {
        if (index.column() == column) return index;
    }
    element_indexes_.emplace_back(column).build(rows_);
    return element_indexes_.back();
}

void Table::set_indexed(bool indexed) {
    indexed_ = indexed;
    element_indexes_.clear();
    for (Index& index : indexes_) index.clear();
    if (!indexed) return;
    atoms_ = 0;
    auto batch = row_batch<Row>([this](Row* row) {
        index(row);
        atoms_ += atoms_of(*row->data);
    });
    for (Row* row : rows_) batch.add(row);
    batch.flush();
}

Row* Table::add(const Uuid& uuid, RowRef data) {
    Row* row = new Row(uuid);
    row->data = std::move(data);
    atoms_ += atoms_of(*row->data);
    if (snapshot_) row->snapshot = snapshot_->number;
    [[maybe_unused]] bool added = rows_.insert(row).second;
    assert(added);
    index(row);
    for (ElementIndex& each : element_indexes_) each.add(row);
    return row;
}

void Table::replace(Row* row, RowRef data) {
    unindex(row);
    if (snapshot_ && row->snapshot != snapshot_->number) {
        snapshot_->old_versions.emplace_back(row->uuid, row->data);
        row->snapshot = snapshot_->number;
    }
    for (ElementIndex& each : element_indexes_) each.replace(row, *data);
    atoms_ += atoms_of(*data) - atoms_of(*row->data);
    row->data = std::move(data);
    index(row);
}

void Table::remove(Row* row) {
    unindex(row);
    for (ElementIndex& each : element_indexes_) each.remove(row);
    rows_.erase(row);
    atoms_ -= atoms_of(*row->data);
    if (snapshot_) {
        snapshot_->removed.emplace_back(row);
    } else {
        delete row;
    }
}

const Table::WeakSources* Table::weak_sources(const Uuid& target) const {
    auto it = weak_sources_.find(target);
    return it == weak_sources_.end() ? nullptr : &it->second;
}

void Table::add_weak_source(const Uuid& target, WeakSource source) {
    ++weak_sources_[target][source];
    ++weak_references_;
}

void Table::remove_weak_source(const Uuid& target, WeakSource source) {
    auto sources = weak_sources_.find(target);
    if (sources == weak_sources_.end()) return;
    auto it = sources->second.find(source);
    if (it == sources->second.end()) return;
    --weak_references_;
    if (--it->second == 0) sources->second.erase(it);
    if (sources->second.empty()) weak_sources_.erase(sources);
}

}  // namespace weft::ovsdb
