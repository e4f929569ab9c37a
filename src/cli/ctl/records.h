// Finding tables, columns and records by what a user types: ovs-vsctl(8) "Identifying Tables, Records, and
// Columns".
//
// Names of tables and columns may be shortened, in either case, with - for _.  Records are called by uuid, by
// its first four or more digits, by @NAME, or by the names that the program's CtlRecordName table gives.

#pragma once

#include <optional>

#include "cli/ctl/command.h"
#include "ovsdb/data/schema.h"

namespace weft::cli {

// A column as the tools see it: "_uuid" too, which has no ColumnInfo.
struct NamedColumn {
    const db::ColumnInfo* info = nullptr;  // nullptr: _uuid
    const ovsdb::ColumnSchema* schema = nullptr;

    const std::string& name() const { return schema->name; }
    const ovsdb::ColumnType& type() const { return schema->type; }
    ovsdb::Datum value(const void* row) const;
};

Result<const db::TableInfo*> find_table(const db::DatabaseInfo& database, std::string_view name);
Result<NamedColumn> find_column(const db::DatabaseInfo& database, const db::TableInfo& table,
                                std::string_view name, bool with_uuid = false);
NamedColumn column_of(const db::DatabaseInfo& database, const db::TableInfo& table,
                      const db::ColumnInfo& column);

// Monitors what is needed to find a record of the table by name.
void need_record_names(CtlContext& context, const db::TableInfo& table);

// Nothing if there is no such record; an error if several match.
Result<std::optional<Uuid>> find_record(CtlContext& context, const db::TableInfo& table,
                                        std::string_view name);
// An error if there is none, unless --if-exists was given.
Result<std::optional<Uuid>> find_record_or_fail(CtlContext& context, const db::TableInfo& table,
                                                std::string_view name);

// Writes a value of any column.
void write_datum(db::Transaction& transaction, const db::TableInfo& table, const Uuid& uuid,
                 const db::ColumnInfo& column, const ovsdb::Datum& datum);

}  // namespace weft::cli
