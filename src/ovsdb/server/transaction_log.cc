#include "ovsdb/server/transaction_log.h"

#include <fmt/format.h>

#include "base/append.h"
#include "base/log.h"
#include "ovsdb/data/datum_text.h"

namespace weft::ovsdb {

namespace {

log::Module lg("transaction");
log::RateLimit limit(30, 60);

std::string line(const TableSchema& table, const RowChange& change) {
    const char* what = !change.before ? "inserted" : !change.after ? "deleted" : "updated";
    const RowData& row = change.after ? *change.after : *change.before;
    std::string out = fmt::format("table:{},op:{}", table.name, what);
    auto add = [&](const ColumnSchema& column) {
        append(out, ",{}:{}", column.name, to_text(column_value(change.uuid, row, column), column.type));
    };
    add(TableSchema::uuid_column());
    add(TableSchema::version_column());
    for (const ColumnSchema& column : table.columns) add(column);
    return out;
}

}  // namespace

Result<void> TransactionLog::set(Server& server, const std::string& where, const std::string& state) {
    size_t colon = where.find(':');
    if (colon == std::string::npos || colon + 1 == where.size()) return Error{"invalid DB:TABLE argument"};
    ServedDatabase* database = server.find_database(where.substr(0, colon));
    if (!database) return Error{"no such database"};
    std::string table = where.substr(colon + 1);
    if (!database->database().schema().find_table(table)) return Error{"no such table"};
    if (state == "on") {
        watched_[database->name()].insert(table);
    } else if (state == "off") {
        watched_[database->name()].erase(table);
    } else {
        return Error{"invalid command argument"};
    }
    return {};
}

std::string TransactionLog::list(Server& server) const {
    std::string out =
        fmt::format("{:<16}{:<28}logging\n{:<16}{:<28}-------\n", "database", "table", "--------", "-----");
    for (const std::string& name : server.database_names()) {
        append(out, "{:<16} \n", name);
        auto watched = watched_.find(name);
        for (const TableSchema& table : server.find_database(name)->database().schema().tables) {
            bool on = watched != watched_.end() && watched->second.count(table.name);
            append(out, "{:<16}{:<27} {}\n", "", table.name, on ? "ON" : "OFF");
        }
    }
    return out;
}

void TransactionLog::write(const ServedDatabase& database, const ChangeSet& changes) const {
    auto watched = watched_.find(database.name());
    if (watched == watched_.end() || watched->second.empty() || !lg.enabled(log::Level::kInfo)) return;
    for (const TableChange& group : changes.tables) {
        if (!watched->second.count(group.table->name)) continue;
        for (const RowChange& change : group.rows) {
            if (limit.pass(lg)) lg.info("{}", line(*group.table, change));
        }
    }
}

}  // namespace weft::ovsdb
