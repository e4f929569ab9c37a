// Monitors: what a client asked to see of a database, and the text of what it is told (RFC 7047, 4.1.5;
// ovsdb-server(7), 4.1.12 to 4.1.16).
//
// A MonitorSpec is the meaning of a request.  Equal requests have equal keys, so the server keeps one spec
// for all clients that see the same, and writes each update's text once.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "json/value.h"
#include "ovsdb/data/error.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/server/monitor_condition.h"
#include "ovsdb/server/told_view.h"

namespace weft::ovsdb {

enum class MonitorVersion : uint8_t { kV1 = 1, kV2 = 2, kV3 = 3 };  // update, update2, update3

struct MonitoredColumn {
    const ColumnSchema* column;
    uint8_t select;  // MonitoredTable::kInitial, …
};

struct MonitoredTable {
    enum Select : uint8_t { kInitial = 1, kInsert = 2, kDelete = 4, kModify = 8 };

    const TableSchema* table;
    std::vector<MonitoredColumn> columns;
    uint8_t select = 0;          // of any column
    MonitorCondition condition;  // v2 and v3
};

struct TableRows {
    const TableSchema* table;
    std::vector<const RowChange*> rows;
};

class MonitorSpec {
  public:
    // `requests` is the object of <monitor-request>s.
    static DbResult<MonitorSpec> parse(MonitorVersion version, const DatabaseSchema& schema,
                                       const json::Value& requests);

    MonitorVersion version() const { return version_; }
    const std::vector<MonitoredTable>& tables() const { return tables_; }
    const MonitoredTable* find(const TableSchema& table) const;
    std::string key() const;

    // JSON objects; "{}" if there is nothing.
    std::string initial(const ToldView& view) const;
    std::string updates(const ChangeSet& changes) const;
    std::string updates(const std::vector<TableRows>& changes) const;

    // New conditions for some tables (monitor_cond_change).  `updates` becomes the text of what the client
    // gains and loses.
    DbResult<MonitorSpec> with_conditions(const json::Value& requests, const ToldView& view,
                                          std::string& updates) const;

  private:
    std::string table_updates(const MonitoredTable& table, const TableChange& changes) const;
    bool append_v1(std::string& out, const MonitoredTable& table, const RowChange& change) const;
    bool append_v2(std::string& out, const MonitoredTable& table, const RowChange& change) const;

    MonitorVersion version_ = MonitorVersion::kV1;
    std::vector<MonitoredTable> tables_;
};

}  // namespace weft::ovsdb
