// What ovsdb-client tells about databases and their schemas.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/ovsdb_client/commands.h"
#include "json/text.h"

namespace weft::cli::client_command {

namespace {

Result<std::shared_ptr<const ovsdb::DatabaseSchema>> schema_file(const std::string& path) {
    auto unreadable = [&](const std::string& why) {
        return Error{fmt::format("failed to read schema: \"{}\" could not be read as JSON ({})", path, why)};
    };
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) return unreadable(fmt::format("error opening \"{}\": {}", path, std::strerror(errno)));
    std::fclose(file);
    WEFT_ASSIGN(std::string text, read_whole_file(path));
    auto json = json::parse(text);
    if (!json) return unreadable(json.message());
    auto schema = ovsdb::DatabaseSchema::from_json(*json);
    if (schema) return *std::move(schema);
    const ovsdb::DbError& error = schema.error();
    return ovsdb::DbError(error.tag,
                          fmt::format("failed to parse \"{}\" as ovsdb schema: {}", path, error.details),
                          error.syntax);
}

}  // namespace

Result<void> list_dbs(ClientContext& context) {
    WEFT_ASSIGN(json::Value reply, context.client->request("list_dbs", {}));
    const json::Array* names = reply.as_array();
    if (!names) return Error{"list_dbs response is not array"};
    std::vector<std::string> sorted;
    for (const json::Value& name : *names) {
        if (name.is_string()) sorted.push_back(*name.as_string());
    }
    std::sort(sorted.begin(), sorted.end());
    for (const std::string& name : sorted) std::puts(name.c_str());
    return {};
}

Result<void> get_schema(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    context.print_json(schema->to_json());
    return {};
}

Result<void> get_schema_version(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    std::puts(schema->version.c_str());
    return {};
}

Result<void> get_schema_cksum(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    std::puts(schema->cksum.c_str());
    return {};
}

Result<void> list_tables(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    Table table;
    table.add_column("Table");
    for (const ovsdb::TableSchema& entry : schema->tables) {
        table.add_row();
        table.add_cell(entry.name);
    }
    context.print(table);
    return {};
}

Result<void> list_columns(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    bool one = !context.words.empty();
    Table table;
    if (!one) table.add_column("Table");
    table.add_column("Column");
    table.add_column("Type");
    auto add = [&](const ovsdb::TableSchema& entry, const ovsdb::ColumnSchema& column) {
        table.add_row();
        if (!one) table.add_cell(entry.name);
        table.add_cell(column.name);
        table.add_cell(column.type.to_json());
    };
    for (const ovsdb::TableSchema& entry : schema->tables) {
        if (one && entry.name != context.words[0]) continue;
        add(entry, ovsdb::TableSchema::uuid_column());
        add(entry, ovsdb::TableSchema::version_column());
        for (const ovsdb::ColumnSchema& column : entry.columns) add(entry, column);
    }
    context.print(table);
    return {};
}

Result<void> convert(ClientContext& context) {
    WEFT_ASSIGN(auto schema, schema_file(context.words[0]));
    WEFT_TRY(context.client->request("convert", json::Array{schema->name, schema->to_json()}));
    return {};
}

Result<void> needs_conversion(ClientContext& context) {
    WEFT_ASSIGN(auto wanted, schema_file(context.words[0]));
    WEFT_ASSIGN(auto now, context.client->schema(wanted->name));
    std::puts(*now == *wanted ? "no" : "yes");
    return {};
}

}  // namespace weft::cli::client_command
