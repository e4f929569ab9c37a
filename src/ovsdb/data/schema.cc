#include "ovsdb/data/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "json/text.h"
#include "ovsdb/data/object_parser.h"

namespace weft::ovsdb {

namespace {

ColumnSchema hidden_column(const char* name, int index) {
    ColumnSchema column;
    column.name = name;
    column.type.key.type = AtomType::kUuid;
    column.is_mutable = false;
    column.index = index;
    column.default_value = column.type.default_value();
    return column;
}

DbResult<std::vector<int>> index_from_json(const TableSchema& table, const json::Value& table_json,
                                           const json::Value& json) {
    const json::Array* names = json.as_array();
    if (!names) return syntax_error(json, "array of column names expected");
    if (names->empty()) return syntax_error(table_json, "index must have at least one column");
    std::vector<int> columns;
    for (const json::Value& name : *names) {
        const std::string* text = name.as_string();
        if (!text) return syntax_error(json, "array of column names expected");
        const ColumnSchema* column = table.find_column(*text);
        if (!column || column->index < 0) {
            return syntax_error(json, fmt::format("{} is not a valid column name", *text));
        }
        if (std::find(columns.begin(), columns.end(), column->index) != columns.end()) {
            return syntax_error(json, "array of distinct column names expected");
        }
        if (column->ephemeral) {
            return syntax_error(
                table_json, fmt::format("ephemeral columns (such as {}) may not be indexed", column->name));
        }
        columns.push_back(column->index);
    }
    return columns;
}

bool is_version(std::string_view text) {
    int dots = 0;
    bool digit = false;
    for (char c : text) {
        if (c == '.' && digit) {
            ++dots;
            digit = false;
        } else if (c >= '0' && c <= '9') {
            digit = true;
        } else {
            return false;
        }
    }
    return dots == 2 && digit;
}

DbResult<void> link_reference(const DatabaseSchema& schema, const ColumnSchema& column, const char* part,
                              BaseType& base) {
    if (base.ref_table.empty()) return {};
    const TableSchema* table = schema.find_table(base.ref_table);
    if (!table) {
        return DbError("syntax error", fmt::format("column {} {} refers to undefined table {}", column.name,
                                                   part, base.ref_table));
    }
    base.ref_table_index = table->index;
    return {};
}

DbResult<void> link(DatabaseSchema& schema) {
    for (TableSchema& table : schema.tables) {
        for (ColumnSchema& column : table.columns) {
            if (auto linked = link_reference(schema, column, "key", column.type.key); !linked) return linked;
            if (auto linked = link_reference(schema, column, "value", column.type.value); !linked)
                return linked;
            // ovsdb-server(7), 3.2: weak references must be able to vanish.
            if (column.type.key.is_weak_ref() || column.type.value.is_weak_ref()) column.is_mutable = true;
        }
    }
    return {};
}

}  // namespace

bool is_identifier(std::string_view name) {
    if (name.empty()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9')) return false;
    }
    return true;
}

DbResult<ColumnSchema> ColumnSchema::from_json(const std::string& name, const json::Value& json) {
    ColumnSchema column;
    column.name = name;
    ObjectParser parser(json, "schema for column " + name);
    if (const json::Value* v = parser.optional("mutable", ObjectParser::kBoolean))
        column.is_mutable = *v->as_bool();
    if (const json::Value* v = parser.optional("ephemeral", ObjectParser::kBoolean))
        column.ephemeral = *v->as_bool();
    const json::Value* type = parser.required("type", ObjectParser::kString | ObjectParser::kObject);
    if (auto finished = parser.finish(); !finished) return finished.error();
    auto parsed = ColumnType::from_json(*type);
    if (!parsed) return parsed.error();
    column.type = *std::move(parsed);
    column.default_value = column.type.default_value();
    return column;
}

json::Value ColumnSchema::to_json() const {
    json::Object object;
    object.add("type", type.to_json());
    if (!is_mutable) object.add("mutable", false);
    if (ephemeral) object.add("ephemeral", true);
    return object;
}

const ColumnSchema& TableSchema::uuid_column() {
    static const ColumnSchema column = hidden_column("_uuid", kUuidColumn);
    return column;
}

const ColumnSchema& TableSchema::version_column() {
    static const ColumnSchema column = hidden_column("_version", kVersionColumn);
    return column;
}

const ColumnSchema* TableSchema::find_column(std::string_view column) const {
    auto it = std::lower_bound(columns.begin(), columns.end(), column,
                               [](const ColumnSchema& a, std::string_view b) { return a.name < b; });
    if (it != columns.end() && it->name == column) return &*it;
    if (column == "_uuid") return &uuid_column();
    if (column == "_version") return &version_column();
    return nullptr;
}

DbResult<TableSchema> TableSchema::from_json(const std::string& name, const json::Value& json) {
    TableSchema table;
    table.name = name;
    ObjectParser parser(json, "table schema for table " + name);
    const json::Value* columns = parser.required("columns", ObjectParser::kObject);
    const json::Value* max_rows = parser.optional("maxRows", ObjectParser::kInteger);
    if (const json::Value* v = parser.optional("isRoot", ObjectParser::kBoolean))
        table.is_root = *v->as_bool();
    const json::Value* indexes = parser.optional("indexes", ObjectParser::kArray);
    if (auto finished = parser.finish(); !finished) return finished.error();
    if (max_rows) {
        if (*max_rows->as_integer() <= 0) return syntax_error(json, "maxRows must be at least 1");
        table.max_rows = static_cast<uint32_t>(std::min<int64_t>(*max_rows->as_integer(), UINT32_MAX));
    }
    if (columns->as_object()->empty()) return syntax_error(json, "table must have at least one column");
    for (const auto& [column_name, column_json] : *columns->as_object()) {
        if (column_name.starts_with("_"))
            return syntax_error(json, "names beginning with \"_\" are reserved");
        if (!is_identifier(column_name)) return syntax_error(json, "name must be a valid id");
        auto column = ColumnSchema::from_json(column_name, column_json);
        if (!column) return column.error();
        table.columns.push_back(*std::move(column));
    }
    std::sort(table.columns.begin(), table.columns.end(), [](auto& a, auto& b) { return a.name < b.name; });
    for (size_t i = 0; i < table.columns.size(); ++i) table.columns[i].index = static_cast<int>(i);
    for (size_t i = 0; indexes && i < indexes->as_array()->size(); ++i) {
        auto index = index_from_json(table, json, (*indexes->as_array())[i]);
        if (!index) return index.error();
        table.indexes.push_back(*std::move(index));
    }
    return table;
}

json::Value TableSchema::to_json(bool default_is_root) const {
    json::Object object;
    json::Object column_object;
    for (const ColumnSchema& column : columns) column_object.add(column.name, column.to_json());
    object.add("columns", std::move(column_object));
    if (max_rows != UINT32_MAX) object.add("maxRows", max_rows);
    if (is_root != default_is_root) object.add("isRoot", is_root);
    if (!indexes.empty()) {
        json::Array lists;
        for (const std::vector<int>& index : indexes) {
            json::Array names;
            for (int column : index) names.emplace_back(columns[static_cast<size_t>(column)].name);
            lists.emplace_back(std::move(names));
        }
        object.add("indexes", std::move(lists));
    }
    return object;
}

const TableSchema* DatabaseSchema::find_table(std::string_view table) const {
    auto it = std::lower_bound(tables.begin(), tables.end(), table,
                               [](const TableSchema& a, std::string_view b) { return a.name < b; });
    return it != tables.end() && it->name == table ? &*it : nullptr;
}

DbResult<std::shared_ptr<const DatabaseSchema>> DatabaseSchema::from_json(const json::Value& json) {
    auto schema = std::make_shared<DatabaseSchema>();
    ObjectParser parser(json, "database schema");
    const json::Value* name = parser.required("name", ObjectParser::kId);
    const json::Value* version = parser.optional("version", ObjectParser::kString);
    const json::Value* cksum = parser.optional("cksum", ObjectParser::kString);
    const json::Value* tables = parser.required("tables", ObjectParser::kObject);
    if (auto finished = parser.finish(); !finished) return finished.error();
    schema->name = *name->as_string();
    if (version) {
        schema->version = *version->as_string();
        if (!is_version(schema->version)) {
            return syntax_error(json,
                                fmt::format("schema version \"{}\" not in format x.y.z", schema->version));
        }
    }
    if (cksum) schema->cksum = *cksum->as_string();
    for (const auto& [table_name, table_json] : *tables->as_object()) {
        if (table_name.starts_with("_")) return syntax_error(json, "names beginning with \"_\" are reserved");
        if (!is_identifier(table_name)) return syntax_error(json, "name must be a valid id");
        auto table = TableSchema::from_json(table_name, table_json);
        if (!table) return table.error();
        schema->has_roots = schema->has_roots || table->is_root;
        schema->tables.push_back(*std::move(table));
    }
    std::sort(schema->tables.begin(), schema->tables.end(), [](auto& a, auto& b) { return a.name < b.name; });
    for (size_t i = 0; i < schema->tables.size(); ++i) schema->tables[i].index = static_cast<int>(i);
    if (auto linked = link(*schema); !linked) return linked.error();
    return std::shared_ptr<const DatabaseSchema>(std::move(schema));
}

DbResult<std::shared_ptr<const DatabaseSchema>> DatabaseSchema::parse(std::string_view text) {
    auto json = json::parse(text);
    if (!json) return DbError("I/O error", "not JSON: " + json.message());
    return from_json(*json);
}

json::Value DatabaseSchema::to_json() const {
    json::Object object;
    object.add("name", name);
    if (!version.empty()) object.add("version", version);
    if (!cksum.empty()) object.add("cksum", cksum);
    json::Object table_object;
    for (const TableSchema& table : tables) table_object.add(table.name, table.to_json(false));
    object.add("tables", std::move(table_object));
    return object;
}

bool DatabaseSchema::operator==(const DatabaseSchema& other) const {
    return to_json() == other.to_json();
}

}  // namespace weft::ovsdb
