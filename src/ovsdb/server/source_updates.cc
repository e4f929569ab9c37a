#include "ovsdb/server/source_updates.h"

#include <fmt/format.h>

#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

// The changes of one table.
class TableReader {
  public:
    TableReader(Database& database, Table& table, SourceUpdate how)
        : database_(database), table_(table), how_(how) {
        changes_.table = &table.schema();
    }

    Result<void> row(std::string_view text, const json::Value& json) {
        std::optional<Uuid> uuid = Uuid::parse(text);
        const json::Object* update = json.as_object();
        if (!uuid || !update) return fail(text, "a row update is an object, by its UUID");
        const Row* row = table_.find(*uuid);
        if (how_.replace) seen_.insert(*uuid);
        const json::Value *after = update->find("new"), *before = update->find("old");
        if (how_.format == SourceFormat::kV2) {
            after = update->find("initial");
            if (!after) after = update->find("insert");
            before = update->find("delete");
            if (const json::Value* difference = update->find("modify"))
                return modify(*uuid, row, *difference);
        }
        if (after) return become(*uuid, row, *after);
        if (!before) return fail(text, "neither an old nor a new row");
        if (row) changes_.rows.push_back({*uuid, row->data, RowRef()});
        return {};
    }

    // Ends with the rows that were not mentioned.
    TableChange finish() {
        for (const Row* row : table_.rows()) {
            if (how_.replace && !seen_.contains(row->uuid))
                changes_.rows.push_back({row->uuid, row->data, RowRef()});
        }
        return std::move(changes_);
    }

  private:
    Error fail(std::string_view row, std::string_view what) const {
        return Error{fmt::format("table {} row {}: {}", table_.schema().name, row, what)};
    }

    // `set(column, json)` for each column of the row that the table has.
    template <typename Set>
    Result<void> columns(const Uuid& uuid, const json::Value& json, Set set) {
        const json::Object* object = json.as_object();
        if (!object) return fail(uuid.to_string(), "a row is an object");
        for (const auto& [name, value] : *object) {
            const ColumnSchema* column = table_.schema().find_column(name);
            if (!column || column->index < 0) continue;
            if (auto done = set(*column, value); !done)
                return fail(uuid.to_string(), fmt::format("column {}: {}", name, done.error().message));
        }
        return {};
    }

    Result<void> become(const Uuid& uuid, const Row* row, const json::Value& json) {
        RowRef after = database_.new_row(table_.schema());
        WEFT_TRY(
            columns(uuid, json, [&](const ColumnSchema& column, const json::Value& value) -> DbResult<void> {
                auto datum = datum_from_json(column.type, value);
                if (!datum) return datum.error();
                (*after)[column.index] = *std::move(datum);
                return {};
            }));
        if (row && same(*row->data, *after)) return {};
        changes_.rows.push_back({uuid, row ? row->data : RowRef(), std::move(after)});
        return {};
    }

    Result<void> modify(const Uuid& uuid, const Row* row, const json::Value& json) {
        if (!row) return fail(uuid.to_string(), "it is modified, but not known");
        RowRef after(row->data->copy());
        after->set_version(database_.next_version());
        WEFT_TRY(
            columns(uuid, json, [&](const ColumnSchema& column, const json::Value& value) -> DbResult<void> {
                auto difference = datum_from_json_unsized(column.type, value);
                if (!difference) return difference.error();
                Datum& datum = (*after)[column.index];
                datum = apply_column_diff(column.type, datum, *difference);
                return column.type.check(datum);
            }));
        changes_.rows.push_back({uuid, row->data, std::move(after)});
        return {};
    }

    static bool same(const RowData& a, const RowData& b) {
        for (uint32_t i = 0; i < a.size(); ++i) {
            if (!(a[static_cast<int>(i)] == b[static_cast<int>(i)])) return false;
        }
        return true;
    }

    Database& database_;
    Table& table_;
    SourceUpdate how_;
    TableChange changes_;
    absl::flat_hash_set<Uuid> seen_;
};

}  // namespace

Result<ChangeSet> changes_of(Database& database, const std::set<const TableSchema*>& followed,
                             const json::Value& updates, SourceUpdate how) {
    const json::Object* tables = updates.as_object();
    if (!tables) return Error{"table updates are an object"};
    ChangeSet changes;
    std::set<const TableSchema*> mentioned;
    auto add = [&](TableChange table) {
        if (!table.rows.empty()) changes.tables.push_back(std::move(table));
    };
    for (const auto& [name, json] : *tables) {
        Table* table = database.find_table(name);
        if (!table || !followed.count(&table->schema())) continue;
        const json::Object* rows = json.as_object();
        if (!rows) return Error{fmt::format("table {}: updates are an object", name)};
        mentioned.insert(&table->schema());
        TableReader reader(database, *table, how);
        for (const auto& [uuid, row] : *rows) WEFT_TRY(reader.row(uuid, row));
        add(reader.finish());
    }
    for (const TableSchema* schema : followed) {
        if (!how.replace || mentioned.count(schema)) continue;
        add(TableReader(database, database.table(schema->index), how).finish());
    }
    return changes;
}

}  // namespace weft::ovsdb
