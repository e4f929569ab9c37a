// monitor, monitor-cond, monitor-cond-since: contents and changes, as tables.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/ovsdb_client/commands.h"
#include "json/text.h"
#include "ovsdb/data/datum_json.h"

namespace weft::cli::client_command {

namespace {

using ovsdb::ColumnSchema;
using ovsdb::TableSchema;

struct Watched {
    const TableSchema* table;
    std::vector<const ColumnSchema*> columns;
};

class Viewer {
  public:
    Viewer(ClientContext& context, std::shared_ptr<const ovsdb::DatabaseSchema> schema)
        : context_(context), schema_(std::move(schema)) {}

    // `words`: TABLE [COLUMN,...]..., or ALL.  `where` may be nullptr.
    Result<void> watch(std::vector<std::string> words, const json::Value* where) {
        if (!where && words.size() == 1 && words[0] == "ALL" && !schema_->find_table("ALL")) {
            captions_ = true;
            for (const TableSchema& table : schema_->tables) WEFT_TRY(watch_table(table, {}, where));
            return {};
        }
        WEFT_ASSIGN(const TableSchema* table, table_of(words[0]));
        words.erase(words.begin());
        return watch_table(*table, words, where);
    }
    Result<const TableSchema*> table_of(const std::string& name) const {
        if (const TableSchema* table = schema_->find_table(name)) return table;
        return Error{fmt::format("{}: {} does not have a table named \"{}\"", context_.client->server(),
                                 schema_->name, name)};
    }

    json::Value requests() { return std::move(requests_); }

    // One <table-updates> or <table-updates2>; `initial`: it came with the reply.
    Result<void> show(const json::Value& updates, bool initial, bool v1) {
        const json::Object* tables = updates.as_object();
        if (!tables) return Error{"the server's update is not an object"};
        for (const Watched& watched : watched_) {
            const json::Value* rows = tables->find(watched.table->name);
            if (!rows || !rows->is_object()) continue;
            Table out;
            if (captions_) out.set_caption(watched.table->name);
            out.add_column("row");
            out.add_column("action");
            for (const ColumnSchema* column : watched.columns) out.add_column(column->name);
            for (const auto& [uuid, row] : *rows->as_object()) {
                if (!row.is_object()) return Error{"the server's row update is not an object"};
                if (v1) {
                    show_v1(out, watched, uuid, *row.as_object(), initial);
                } else {
                    for (const auto& [action, values] : *row.as_object())
                        add(out, watched, uuid, action, values.as_object());
                }
            }
            if (!first_) std::puts("");
            first_ = false;
            context_.print_time();
            context_.print(out);
        }
        return {};
    }
    void line(const std::string& text) {
        if (!first_) std::puts("");
        first_ = true;
        std::puts(text.c_str());
        std::fflush(stdout);
    }

  private:
    Result<void> watch_table(const TableSchema& table, const std::vector<std::string>& lists,
                             const json::Value* where) {
        Watched watched{&table, {}};
        json::Array requests;
        for (size_t i = 0; i < std::max<size_t>(lists.size(), 1); ++i) {
            json::Object select;
            json::Array names;
            std::string list = lists.empty() ? "" : lists[i];
            for (size_t at = 0; at < list.size();) {
                size_t comma = std::min(list.find(',', at), list.size());
                std::string name = list.substr(at, comma - at);
                at = comma + 1;
                bool event =
                    name == "!initial" || name == "!insert" || name == "!delete" || name == "!modify";
                if (event) {
                    select.set(name.substr(1), false);
                    continue;
                }
                const ColumnSchema* column = table.find_column(name);
                if (!column) {
                    return Error{fmt::format("{}: table \"{}\" in {} does not have a column named \"{}\"",
                                             context_.client->server(), table.name, schema_->name, name)};
                }
                if (std::find(watched.columns.begin(), watched.columns.end(), column) !=
                    watched.columns.end()) {
                    return Error{fmt::format("{}: column \"{}\" mentioned multiple times",
                                             context_.client->server(), name)};
                }
                names.emplace_back(name);
                watched.columns.push_back(column);
            }
            if (names.empty()) {
                for (const ColumnSchema& column : table.columns) watched.columns.push_back(&column);
                watched.columns.push_back(&TableSchema::version_column());
                for (const ColumnSchema* column : watched.columns) names.emplace_back(column->name);
            }
            json::Object request;
            request.add("columns", std::move(names));
            if (!select.empty()) request.add("select", std::move(select));
            if (where) request.add("where", *where);
            requests.emplace_back(std::move(request));
        }
        requests_.add(table.name, std::move(requests));
        watched_.push_back(std::move(watched));
        return {};
    }

    void add(Table& out, const Watched& watched, const std::string& uuid, const std::string& action,
             const json::Object* values) {
        out.add_row();
        out.add_cell(uuid);
        out.add_cell(action);
        for (const ColumnSchema* column : watched.columns) {
            const json::Value* value = values ? values->find(column->name) : nullptr;
            auto datum = value ? ovsdb::datum_from_json_unsized(column->type, *value)
                               : ovsdb::DbResult<ovsdb::Datum>(ovsdb::DbError("", ""));
            if (datum) {
                out.add_cell(*datum, column->type);
            } else {
                out.add_cell(std::string());
            }
        }
    }

    void show_v1(Table& out, const Watched& watched, const std::string& uuid, const json::Object& row,
                 bool initial) {
        const json::Value *old_values = row.find("old"), *new_values = row.find("new");
        if (old_values && new_values) {
            add(out, watched, uuid, "old", old_values->as_object());
            add(out, watched, "", "new", new_values->as_object());
        } else if (old_values) {
            add(out, watched, uuid, "delete", old_values->as_object());
        } else if (new_values) {
            add(out, watched, uuid, initial ? "initial" : "insert", new_values->as_object());
        }
    }

    ClientContext& context_;
    std::shared_ptr<const ovsdb::DatabaseSchema> schema_;
    json::Object requests_;
    std::vector<Watched> watched_;
    bool captions_ = false, first_ = true;
};

Result<json::Value> condition_of(const std::string& text) {
    auto json = json::parse(text);
    if (!json) return Error{fmt::format("\"{}\": {}", text, json.message())};
    return json;
}

// In the background: another condition for one of the tables, by ovs-appctl(8).
void add_monitor_commands(Client& client, net::ControlServer& control) {
    control.add("ovsdb-client/cond_change", "TABLE COND", 2, 2,
                [&client](const net::ControlServer::Arguments& words) -> Result<std::string> {
                    WEFT_ASSIGN(json::Value where, condition_of(words[1]));
                    json::Object request, tables;
                    request.add("where", std::move(where));
                    tables.add(words[0], json::Array{std::move(request)});
                    client.send("monitor_cond_change", json::Array{nullptr, nullptr, std::move(tables)},
                                [](const net::Message& reply) {
                                    if (reply.type == net::Message::Type::kReply) return;
                                    std::puts(json::to_text(reply.error).c_str());
                                    std::fflush(stdout);
                                });
                    return std::string();
                });
}

// Shows updates until the connection ends.
Result<void> follow(ClientContext& context, Viewer& viewer, bool v1) {
    if (context.go_on) {
        WEFT_ASSIGN(net::ControlServer * control, context.go_on());
        if (!v1) add_monitor_commands(*context.client, *control);
    }
    for (;;) {
        auto received = context.client->next_notification();
        if (!received && context.client->stopped()) return {};
        if (!received) return received.error();
        const net::Message& message = *received;
        const json::Array* params = message.params.as_array();
        if (!message.method.starts_with("update") || !params || params->size() < 2) continue;
        if (message.method == "update3" && (*params)[1].is_string())
            viewer.line("last_id: " + *(*params)[1].as_string());
        WEFT_TRY(viewer.show(params->back(), false, v1));
    }
}

}  // namespace

Result<void> monitor(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    Viewer viewer(context, schema);
    WEFT_TRY(viewer.watch(context.words, nullptr));
    WEFT_ASSIGN(json::Value reply, context.client->request(
                                       "monitor", json::Array{context.database, nullptr, viewer.requests()}));
    WEFT_TRY(viewer.show(reply, true, true));
    return follow(context, viewer, true);
}

Result<void> monitor_cond(ClientContext& context) {
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    Viewer viewer(context, schema);
    WEFT_TRY(viewer.table_of(context.words[1]));
    WEFT_ASSIGN(json::Value where, condition_of(context.words[0]));
    WEFT_TRY(viewer.watch({context.words.begin() + 1, context.words.end()}, &where));
    WEFT_ASSIGN(
        json::Value reply,
        context.client->request("monitor_cond", json::Array{context.database, nullptr, viewer.requests()}));
    WEFT_TRY(viewer.show(reply, true, false));
    return follow(context, viewer, false);
}

Result<void> monitor_cond_since(ClientContext& context) {
    std::string last = Uuid().to_string();
    if (Uuid::parse(context.words[0])) {
        last = context.words[0];
        context.words.erase(context.words.begin());
        if (context.words.size() < 2)
            return Error{"'monitor-cond-since' command requires CONDITION and TABLE"};
    }
    WEFT_ASSIGN(auto schema, context.client->schema(context.database));
    Viewer viewer(context, schema);
    WEFT_TRY(viewer.table_of(context.words[1]));
    WEFT_ASSIGN(json::Value where, condition_of(context.words[0]));
    WEFT_TRY(viewer.watch({context.words.begin() + 1, context.words.end()}, &where));
    WEFT_ASSIGN(json::Value reply,
                context.client->request("monitor_cond_since",
                                        json::Array{context.database, nullptr, viewer.requests(), last}));
    const json::Array* parts = reply.as_array();
    if (!parts || parts->size() != 3 || !(*parts)[0].is_bool() || !(*parts)[1].is_string()) {
        return Error{"the server's answer to monitor_cond_since is not an array of three"};
    }
    viewer.line(fmt::format("found: {}, last_id: {}", *(*parts)[0].as_bool(), *(*parts)[1].as_string()));
    WEFT_TRY(viewer.show((*parts)[2], true, false));
    return follow(context, viewer, false);
}

}  // namespace weft::cli::client_command
