// What one committed transaction changed: old and new versions of rows.  Storage writes it, monitors report
// it, the history keeps it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "ovsdb/data/schema.h"
#include "ovsdb/engine/row.h"

namespace weft::ovsdb {

struct RowChange {
    Uuid uuid;
    RowRef before;  // empty: inserted
    RowRef after;   // empty: deleted

    bool changed(int column) const { return !before || !after || !((*before)[column] == (*after)[column]); }
};

struct TableChange {
    const TableSchema* table;
    std::vector<RowChange> rows;
};

struct ChangeSet {
    Uuid id;  // of the transaction, for monitor_cond_since
    std::vector<TableChange> tables;
    std::string comment;   // of all `comment` operations, a line each
    bool durable = false;  // a `commit` operation asked for it

    bool empty() const { return tables.empty(); }
};

}  // namespace weft::ovsdb
