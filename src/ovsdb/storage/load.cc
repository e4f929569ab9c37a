// Reading a record into a database: table by table and row by row, so that a record that holds a whole
// database takes no more memory than the database.

#include <absl/container/inlined_vector.h>
#include <fmt/format.h>

#include "json/members.h"
#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"
#include "ovsdb/storage/plain_row.h"
#include "ovsdb/storage/record.h"

namespace weft::ovsdb {

namespace {

DbError broken(const Error& error) {
    return DbError("syntax error", error.message);
}

class RecordLoader {
  public:
    explicit RecordLoader(Database& database)
        : database_(database), first_version_(database.next_version()) {}

    DbResult<void> load(std::string_view record) {
        if (auto read = read_members(record); !read) return read;
        for (const auto& [table, rows] : tables_) {
            if (auto loaded = load_table(*table, rows); !loaded) return loaded;
        }
        return {};
    }

  private:
    // Members come in any order, and what "_is_diff" says holds for all of them.
    DbResult<void> read_members(std::string_view record);
    DbResult<void> read_special(const std::string& name, std::string_view text);
    DbResult<void> load_table(Table& table, std::string_view rows);
    DbResult<void> load_row(Table& table, const Uuid& uuid, std::string_view text);
    DbResult<void> load_columns(const TableSchema& table, std::string_view text, bool difference,
                                RowData& data);
    DbResult<void> set_column(const ColumnSchema& column, Datum datum, bool difference, RowData& data);

    Database& database_;
    const uint64_t first_version_;  // row versions after it are of this record
    bool is_diff_ = false;
    absl::InlinedVector<std::pair<Table*, std::string_view>, 4> tables_;  // with their rows
    PlainRowReader plain_;
};

DbResult<void> RecordLoader::read_members(std::string_view record) {
    json::MemberReader members(record);
    for (;;) {
        auto more = members.next();
        if (!more) return broken(more.error());
        if (!*more) return {};
        const std::string& name = members.name();
        if (name == "_date" || name == "_comment" || name == "_is_diff") {
            if (auto read = read_special(name, members.value()); !read) return read;
            continue;
        }
        Table* table = database_.find_table(name);
        if (!table) return DbError("unknown table", fmt::format("No table named {}.", name));
        tables_.emplace_back(table, members.value());
    }
}

DbResult<void> RecordLoader::read_special(const std::string& name, std::string_view text) {
    auto value = json::parse(text);
    if (!value) return broken(value.error());
    bool fits = name == "_date"      ? value->is_number()
                : name == "_comment" ? value->is_string()
                                     : value->is_bool();
    if (!fits) return syntax_error(*value, fmt::format("not a value of \"{}\"", name));
    if (name == "_is_diff") is_diff_ = *value->as_bool();
    return {};
}

DbResult<void> RecordLoader::load_table(Table& table, std::string_view rows) {
    json::MemberReader members(rows);
    for (;;) {
        auto more = members.next();
        if (!more) {
            return DbError("syntax error",
                           fmt::format("table {}: {}", table.schema().name, more.error().message));
        }
        if (!*more) return {};
        auto uuid = Uuid::parse(members.name());
        if (!uuid) return DbError("syntax error", fmt::format("\"{}\" is not a valid UUID", members.name()));
        if (auto loaded = load_row(table, *uuid, members.value()); !loaded) return loaded;
    }
}

DbResult<void> RecordLoader::load_row(Table& table, const Uuid& uuid, std::string_view text) {
    Row* existing = table.find(uuid);
    if (existing && existing->data->version() > first_version_) {
        return DbError("syntax error", fmt::format("row {} is there twice", uuid.to_string()));
    }
    if (text == "null") {
        if (!existing) {
            return DbError("syntax error",
                           fmt::format("transaction deletes row {} that does not exist", uuid.to_string()));
        }
        database_.load_row(table, uuid, RowRef());
        return {};
    }
    RowRef data;
    if (!existing) {
        data = database_.new_row(table.schema());
    } else {
        // Nobody else looks at it while a database is read.
        data = existing->data->shared() ? RowRef(existing->data->copy()) : existing->data;
        data->set_version(database_.next_version());
    }
    if (auto loaded = load_columns(table.schema(), text, is_diff_ && existing, *data); !loaded) return loaded;
    database_.load_row(table, uuid, std::move(data));
    return {};
}

DbResult<void> RecordLoader::load_columns(const TableSchema& table, std::string_view text, bool difference,
                                          RowData& data) {
    if (plain_.read(table, text, !difference)) {
        for (auto& [column, datum] : plain_.values()) {
            if (auto set = set_column(*column, std::move(datum), difference, data); !set) return set;
        }
        return {};
    }
    auto json = json::parse(text);
    if (!json) return broken(json.error());
    const json::Object* members = json->as_object();
    if (!members) return syntax_error(*json, "row must be JSON object");
    for (const auto& [name, value] : *members) {
        const ColumnSchema* column = table.find_column(name);
        if (!column || column->index < 0) {
            DbError error = syntax_error(*json, fmt::format("No column {} in table {}.", name, table.name));
            return DbError("unknown column", error.details, error.syntax);
        }
        auto datum =
            difference ? datum_from_json_unsized(column->type, value) : datum_from_json(column->type, value);
        if (!datum) return datum.error();
        if (auto set = set_column(*column, *std::move(datum), difference, data); !set) return set;
    }
    return {};
}

DbResult<void> RecordLoader::set_column(const ColumnSchema& column, Datum datum, bool difference,
                                        RowData& data) {
    Datum& slot = data[column.index];
    if (!difference) {
        slot = std::move(datum);
        return {};
    }
    slot = apply_column_diff(column.type, slot, datum);
    return column.type.check(slot);
}

}  // namespace

DbResult<void> load_record(Database& database, std::string_view record) {
    return RecordLoader(database).load(record);
}

}  // namespace weft::ovsdb
