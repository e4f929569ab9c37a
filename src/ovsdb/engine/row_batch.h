// Rows lie anywhere in memory, so a walk over many of them waits for memory at each.  A batch of them is on
// its way into the processor's cache before the first is visited.
//
//     auto batch = row_batch<Row>([&](Row* row) { … });
//     for (Row* row : table.rows()) batch.add(row);
//     batch.flush();

#pragma once

#include <array>
#include <utility>

#include "ovsdb/engine/row.h"

namespace weft::ovsdb {

template <typename RowType, typename Visit>
class RowBatch {
  public:
    explicit RowBatch(Visit visit) : visit_(std::move(visit)) {}

    void add(RowType* row) {
        __builtin_prefetch(row);
        rows_[number_++] = row;
        if (number_ == rows_.size()) flush();
    }
    // Visits what was added since the last one.
    void flush() {
        for (size_t i = 0; i < number_; ++i) rows_[i]->data->prefetch();
        for (size_t i = 0; i < number_; ++i) rows_[i]->data->prefetch_columns();
        for (size_t i = 0; i < number_; ++i) visit_(rows_[i]);
        number_ = 0;
    }

  private:
    Visit visit_;
    std::array<RowType*, 16> rows_;
    size_t number_ = 0;
};

template <typename RowType, typename Visit>
RowBatch<RowType, Visit> row_batch(Visit visit) {
    return RowBatch<RowType, Visit>(std::move(visit));
}

}  // namespace weft::ovsdb
