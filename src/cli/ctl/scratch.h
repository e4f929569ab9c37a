// A typed field that holds a Datum, for the writers of Transaction that take typed values.

#pragma once

#include <cassert>

#include "ovsdb/client/table_info.h"
#include "ovsdb/data/datum.h"

namespace weft::cli {

// Owns a row of the table of which that field is part.
class Scratch {
  public:
    Scratch(const ovsdb::client::TableInfo& table, const ovsdb::client::ColumnInfo& column,
            const ovsdb::Datum& datum)
        : table_(table), column_(column), row_(table.create()) {
        Result<void> read = column.codec->from_datum(datum, ovsdb::client::field_of(row_, column));
        assert(read);
        (void)read;
    }
    ~Scratch() { table_.destroy(row_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const void* field() const { return ovsdb::client::field_of(static_cast<const void*>(row_), column_); }

  private:
    const ovsdb::client::TableInfo& table_;
    const ovsdb::client::ColumnInfo& column_;
    void* row_;
};

}  // namespace weft::cli
