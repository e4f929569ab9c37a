// The commands that read and write rows.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "cli/ovsdb_client/commands.h"
#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/storage/record.h"

namespace weft::cli::client_command {

namespace {

using ovsdb::ColumnSchema;
using ovsdb::TableSchema;

Result<json::Value> run_transaction(ClientContext& context, json::Array params) {
    auto reply = context.client->request("transact", std::move(params));
    if (!reply && reply.error().message.starts_with('{')) {
        return Error{"transaction returned error: " + reply.error().message};
    }
    return reply;
}

Result<json::Array> transaction_of(const std::string& text) {
    auto json = json::parse(text);
    if (!json) return Error{fmt::format("\"{}\": {}", text, json.message())};
    const json::Array* params = json->as_array();
    if (!params || params->empty() || !(*params)[0].is_string()) return Error{"not a valid OVSDB query"};
    return std::move(*json->as_array());
}

// The "rows" of result `i` of a transaction of selects.
Result<const json::Array*> rows_of(const json::Value& reply, size_t i) {
    const json::Array* results = reply.as_array();
    const json::Object* result = results && i < results->size() ? (*results)[i].as_object() : nullptr;
    const json::Value* rows = result ? result->find("rows") : nullptr;
    if (!rows || !rows->is_array()) return Error{"the server's answer lacks rows: " + json::to_text(reply)};
    return rows->as_array();
}

json::Value select_all(const TableSchema& table, const std::vector<const ColumnSchema*>& columns) {
    json::Object op;
    op.add("op", "select");
    op.add("table", table.name);
    op.add("where", json::Array{});
    json::Array names;
    for (const ColumnSchema* column : columns) names.emplace_back(column->name);
    op.add("columns", std::move(names));
    return op;
}

Result<std::vector<ovsdb::Datum>> row_values(const json::Value& json,
                                             const std::vector<const ColumnSchema*>& columns) {
    const json::Object* object = json.as_object();
    if (!object) return Error{"a row of the server's answer is not an object"};
    std::vector<ovsdb::Datum> values;
    for (const ColumnSchema* column : columns) {
        const json::Value* value = object->find(column->name);
        if (!value) return Error{fmt::format("a row of the server's answer lacks column {}", column->name)};
        auto datum = ovsdb::datum_from_json(column->type, *value);
        if (!datum) return datum.error();
        values.push_back(*std::move(datum));
    }
    return values;
}

// Rows by the values of all columns but _uuid, which decides last.
void sort_rows(std::vector<std::vector<ovsdb::Datum>>& rows,
               const std::vector<const ColumnSchema*>& columns) {
    std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
        int uuid_order = 0;
        for (size_t i = 0; i < columns.size(); ++i) {
            int order = a[i].compare(b[i]);
            if (columns[i]->index == ovsdb::kUuidColumn) {
                uuid_order = order;
            } else if (order) {
                return order < 0;
            }
        }
        return uuid_order < 0;
    });
}

// All rows of a database, in memory.
Result<std::unique_ptr<ovsdb::Database>> fetch(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    json::Array params{context.database};
    std::vector<std::vector<const ColumnSchema*>> columns;
    for (const TableSchema& table : schema->tables) {
        columns.push_back({&TableSchema::uuid_column()});
        for (const ColumnSchema& column : table.columns) {
            if (!column.ephemeral) columns.back().push_back(&column);
        }
        params.push_back(select_all(table, columns.back()));
    }
    WEFT_ASSIGN(json::Value reply, run_transaction(context, std::move(params)));
    auto database = std::make_unique<ovsdb::Database>(schema);
    database->load_begin();
    for (size_t i = 0; i < schema->tables.size(); ++i) {
        WEFT_ASSIGN(const json::Array* rows, rows_of(reply, i));
        for (const json::Value& json : *rows) {
            WEFT_ASSIGN(auto values, row_values(json, columns[i]));
            ovsdb::RowRef row = database->new_row(schema->tables[i]);
            for (size_t c = 1; c < values.size(); ++c) (*row)[columns[i][c]->index] = values[c];
            database->load_row(database->table(static_cast<int>(i)), values[0].uuid(), row);
        }
    }
    database->load_finish();
    return database;
}

}  // namespace

Result<void> transact(ClientContext& context) {
    WEFT_ASSIGN(json::Array params, transaction_of(context.words[0]));
    WEFT_ASSIGN(json::Value reply, run_transaction(context, std::move(params)));
    context.print_json(reply);
    return {};
}

Result<void> query(ClientContext& context) {
    WEFT_ASSIGN(json::Array params, transaction_of(context.words[0]));
    json::Object abort;
    abort.add("op", "abort");
    params.emplace_back(std::move(abort));
    const size_t params_size = params.size();
    WEFT_ASSIGN(json::Value reply, run_transaction(context, std::move(params)));
    // The result of our own abort is the last one if all went well; if not, it is null.
    if (json::Array* results = reply.as_array(); results && !results->empty()) {
        const json::Object* last = results->back().as_object();
        if (last && results->size() == params_size - 1) results->pop_back();
    }
    context.print_json(reply);
    return {};
}

Result<void> dump(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    bool first = true;
    bool found = false;
    for (const TableSchema& table : schema->tables) {
        if (!context.words.empty() && context.words[0] != table.name) continue;
        found = true;
        std::vector<const ColumnSchema*> columns;
        for (size_t i = 1; i < context.words.size(); ++i) {
            const ColumnSchema* column = table.find_column(context.words[i]);
            if (!column)
                return Error{fmt::format("Table \"{}\" has no column {}.", table.name, context.words[i])};
            columns.push_back(column);
        }
        if (columns.empty()) {
            columns.push_back(&TableSchema::uuid_column());
            for (const ColumnSchema& column : table.columns) columns.push_back(&column);
        }
        std::sort(columns.begin(), columns.end(), [](auto* a, auto* b) { return a->name < b->name; });
        WEFT_ASSIGN(json::Value reply,
                    run_transaction(context, {context.database, select_all(table, columns)}));
        WEFT_ASSIGN(const json::Array* json_rows, rows_of(reply, 0));
        std::vector<std::vector<ovsdb::Datum>> rows;
        for (const json::Value& json : *json_rows) {
            WEFT_ASSIGN(auto values, row_values(json, columns));
            rows.push_back(std::move(values));
        }
        sort_rows(rows, columns);
        Table out;
        out.set_caption(table.name + " table");
        for (const ColumnSchema* column : columns) out.add_column(column->name);
        for (const auto& row : rows) {
            out.add_row();
            for (size_t i = 0; i < columns.size(); ++i) out.add_cell(row[i], columns[i]->type);
        }
        if (!first && context.style.format != TableStyle::Format::kHtml &&
            context.style.format != TableStyle::Format::kJson)
            std::puts("");
        first = false;
        context.print(out);
    }
    if (!found) return Error{fmt::format("No table \"{}\" found.", context.words[0])};
    return {};
}

Result<void> backup(ClientContext& context) {
    WEFT_ASSIGN(auto database, fetch(context));
    std::string text = ovsdb::frame_record(json::to_text(database->schema().to_json()));
    const std::string comment = "produced by \"ovsdb-client backup\"";
    text += ovsdb::frame_record(ovsdb::snapshot_record(*database, comment, clock::wall_ms()));
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
        return Error{"cannot write to standard output"};
    return {};
}

Result<void> restore(ClientContext& context) {
    WEFT_ASSIGN(std::string text, read_whole_file("-"));
    ovsdb::RecordReader reader(text);
    WEFT_ASSIGN(std::optional<std::string_view> first, reader.next());
    if (!first)
        return Error{"standard input holds no database (use a file that \"ovsdb-client backup\" wrote)"};
    auto schema = ovsdb::DatabaseSchema::parse(*first);
    if (!schema) return schema.error();
    WEFT_ASSIGN(auto now, context.client->schema(context.database));
    if (!context.force && !(*now == **schema)) {
        return Error{
            fmt::format("{}: the database's schema differs from the backup's (use --force to restore anyway)",
                        context.database)};
    }
    ovsdb::Database database(*schema);
    database.load_begin();
    for (;;) {
        WEFT_ASSIGN(std::optional<std::string_view> record, reader.next());
        if (!record) break;
        if (auto loaded = ovsdb::load_record(database, *record); !loaded) return loaded.error();
    }
    json::Array params{context.database};
    for (const TableSchema& table : now->tables) {
        json::Object op;
        op.add("op", "delete");
        op.add("table", table.name);
        op.add("where", json::Array{});
        params.emplace_back(std::move(op));
    }
    for (const auto& table : database.tables()) {
        const TableSchema* target = now->find_table(table->schema().name);
        if (!target) continue;
        for (const ovsdb::Row* row : table->rows()) {
            json::Object op, values;
            for (const ColumnSchema& column : table->schema().columns) {
                const ovsdb::Datum& value = (*row->data)[column.index];
                if (target->find_column(column.name) && !(value == column.default_value)) {
                    values.add(column.name, ovsdb::to_json(value));
                }
            }
            // A row that is there now may not be inserted again under its UUID in the same transaction, so
            // names stand for them; references by UUID to rows of the backup become references by name.
            op.add("op", "insert");
            op.add("table", table->schema().name);
            op.add("uuid-name", "row" + row->uuid.to_string());
            op.add("row", std::move(values));
            params.emplace_back(std::move(op));
        }
    }
    auto name_of = [](std::string uuid) {
        std::replace(uuid.begin(), uuid.end(), '-', '_');
        return "row" + uuid;
    };
    auto is_row = [&](const std::string& text) {
        auto uuid = Uuid::parse(text);
        if (!uuid) return false;
        for (const auto& table : database.tables()) {
            if (table->find(*uuid)) return true;
        }
        return false;
    };
    std::function<void(json::Value&)> rename = [&](json::Value& value) {
        json::Array* array = value.as_array();
        if (!array) return;
        const std::string* tag = array->size() == 2 ? (*array)[0].as_string() : nullptr;
        if (tag && *tag == "uuid" && (*array)[1].is_string() && is_row(*(*array)[1].as_string())) {
            *array = json::Array{"named-uuid", name_of(*(*array)[1].as_string())};
            return;
        }
        for (json::Value& element : *array) rename(element);
    };
    for (json::Value& op : params) {
        json::Object* object = op.as_object();
        json::Value* name = object ? object->find("uuid-name") : nullptr;
        if (!name) continue;
        *name = name_of(name->as_string()->substr(3));
        for (auto& [column, value] : *object->find("row")->as_object()) rename(value);
    }
    json::Object comment;
    comment.add("op", "comment");
    comment.add("comment", "ovsdb-client: restored database");
    params.emplace_back(std::move(comment));
    WEFT_ASSIGN(json::Value reply, run_transaction(context, std::move(params)));
    if (const json::Array* results = reply.as_array()) {
        for (const json::Value& result : *results) {
            const json::Object* object = result.as_object();
            if (object && object->find("error")) return Error{"restore failed: " + json::to_text(result)};
        }
    }
    return {};
}

Result<void> wait(ClientContext& context) {
    const std::string &database = context.words[0], &state = context.words[1];
    if (state != "added" && state != "connected" && state != "removed") {
        return Error{fmt::format("{}: unknown state (use \"added\", \"connected\" or \"removed\")", state)};
    }
    WEFT_TRY(context.client->request("set_db_change_aware", json::Array{true}));
    json::Object columns, tables;
    columns.add("columns", json::Array{"name", "connected"});
    tables.add("Database", json::Array{std::move(columns)});
    WEFT_TRY(context.client->request("monitor_cond", json::Array{"_Server", "wait", std::move(tables)}));
    for (;;) {
        json::Object op;
        op.add("op", "select");
        op.add("table", "Database");
        op.add("where", json::array_of(json::Array{"name", "==", database}));
        op.add("columns", json::Array{"_uuid", "connected"});
        WEFT_ASSIGN(json::Value reply, run_transaction(context, {"_Server", std::move(op)}));
        WEFT_ASSIGN(const json::Array* rows, rows_of(reply, 0));
        bool connected = false;
        if (!rows->empty()) {
            const json::Value* value = (*rows)[0].as_object()->find("connected");
            connected = value && value->as_bool() && *value->as_bool();
        }
        if (state == "removed" ? rows->empty() : state == "added" ? !rows->empty() : connected) return {};
        WEFT_TRY(context.client->next_notification());
    }
}

}  // namespace weft::cli::client_command
