// Database schemas (RFC 7047, section 3.2).
//
// Columns and tables are kept sorted by name and referred to by index.  Every row also has "_uuid" and
// "_version": find_column() knows them, but they are not among the columns.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ovsdb/data/error.h"
#include "ovsdb/data/type.h"

namespace weft::ovsdb {

inline constexpr int kUuidColumn = -1;
inline constexpr int kVersionColumn = -2;

struct ColumnSchema {
    std::string name;
    ColumnType type;
    bool is_mutable = true;
    bool ephemeral = false;
    int index = 0;  // into TableSchema::columns, or kUuidColumn, kVersionColumn
    Datum default_value;

    static DbResult<ColumnSchema> from_json(const std::string& name, const json::Value& json);
    json::Value to_json() const;
};

struct TableSchema {
    std::string name;
    std::vector<ColumnSchema> columns;  // sorted by name
    std::vector<std::vector<int>> indexes;
    uint32_t max_rows = UINT32_MAX;
    bool is_root = false;  // as given; see DatabaseSchema::has_roots
    int index = 0;         // into DatabaseSchema::tables

    const ColumnSchema* find_column(std::string_view column) const;  // with _uuid and _version; or nullptr
    static const ColumnSchema& uuid_column();
    static const ColumnSchema& version_column();

    static DbResult<TableSchema> from_json(const std::string& name, const json::Value& json);
    json::Value to_json(bool default_is_root) const;
};

struct DatabaseSchema {
    std::string name;
    std::string version;              // "" if left out
    std::string cksum;                // "" if left out
    std::vector<TableSchema> tables;  // sorted by name
    // False if no table is a root: then every table counts as one (RFC 7047 3.2).
    bool has_roots = false;

    const TableSchema* find_table(std::string_view table) const;
    bool is_root(const TableSchema& table) const { return table.is_root || !has_roots; }

    static DbResult<std::shared_ptr<const DatabaseSchema>> from_json(const json::Value& json);
    static DbResult<std::shared_ptr<const DatabaseSchema>> parse(std::string_view text);
    json::Value to_json() const;
    bool operator==(const DatabaseSchema& other) const;  // as data
};

// Letters, digits and underscores, not starting with a digit (RFC 7047 3.1, <id>).
bool is_identifier(std::string_view name);

}  // namespace weft::ovsdb
