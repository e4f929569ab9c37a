#include "ovsdb/server/backup.h"

#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "net/stream.h"
#include "ovsdb/client/replica.h"

namespace weft::ovsdb {

namespace {

log::Module lg("replication");

bool can_be_copied(const ServedDatabase& database) {
    return database.name() != "_Server" && !database.upstream();
}

// Values of `theirs`, and what changes of them look like (set_ops.h, column_diff).
bool can_hold(const ColumnType& ours, const ColumnType& theirs) {
    return ours.key.type == theirs.key.type && ours.value.type == theirs.value.type &&
           ours.min <= theirs.min && ours.max >= theirs.max && (ours.max == 1) == (theirs.max == 1);
}

}  // namespace

Result<void> Backup::set_active_server(std::string remote) {
    for (const std::string& one : client::split_remotes(remote)) {
        if (!net::is_active_name(one))
            return Error{fmt::format("\"{}\" is not a server such as tcp:HOST:PORT", one)};
    }
    active_server_ = std::move(remote);
    return {};
}

Result<void> Backup::set_probe_interval(std::string_view text) {
    int64_t ms = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (error != std::errc() || end != text.data() + text.size() || ms < 0)
        return Error{"Invalid probe interval, integer value expected"};
    probe_interval_ms_ = ms;
    for (auto& [name, copy] : copies_) copy->source->set_probe_interval(ms);
    return {};
}

Result<void> Backup::set_excluded(std::string_view text) {
    std::set<std::pair<std::string, std::string>> excluded;
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find(',', at), text.size());
        std::string_view word = text.substr(at, end - at);
        at = end + 1;
        size_t colon = word.find(':');
        if (colon == 0 || colon == std::string_view::npos || colon + 1 == word.size())
            return Error{fmt::format("\"{}\": DATABASE:TABLE[,DATABASE:TABLE]... is expected", text)};
        excluded.emplace(word.substr(0, colon), word.substr(colon + 1));
    }
    excluded_ = std::move(excluded);
    // What was left out so far is to be fetched, and the other way round.
    if (is_backup_) {
        copies_.clear();
        databases_changed();
    }
    return {};
}

std::string Backup::excluded() const {
    std::string out;
    for (const auto& [database, table] : excluded_)
        out += fmt::format("{}{}:{}", out.empty() ? "" : ",", database, table);
    return out;
}

void Backup::connect() {
    copies_.clear();
    if (!std::exchange(is_backup_, true)) lg.info("backup of {}", active_server_);
    server_.set_read_only(true);
    server_.reconnect_all("the server became a backup");
    databases_changed();
}

void Backup::disconnect() {
    copies_.clear();
    if (!std::exchange(is_backup_, false)) return;
    lg.info("active");
    server_.set_read_only(false);
    server_.reconnect_all("the server became active");
}

void Backup::databases_changed() {
    if (!is_backup_) return;
    std::erase_if(copies_, [&](const auto& entry) { return !server_.find_database(entry.first); });
    for (const std::string& name : server_.database_names()) {
        ServedDatabase& database = *server_.find_database(name);
        if (can_be_copied(database) && !copies_.count(name)) start(database);
    }
}

void Backup::start(ServedDatabase& database) {
    Copy& copy = *(copies_[database.name()] = std::make_unique<Copy>());
    Source::Options options;
    options.database = database.name();
    options.remotes = client::split_remotes(active_server_);
    options.probe_interval_ms = probe_interval_ms_;
    options.own_server_id = server_.id();
    Source::Handler handler;
    handler.on_schema = [this, &copy, &database](const json::Value& json) {
        return schema_received(copy, database, json);
    };
    handler.on_update = [this, &copy, &database](const json::Value& updates, SourceUpdate how,
                                                 const Uuid& transaction) -> Result<void> {
        WEFT_ASSIGN(ChangeSet changes, changes_of(database.database(), copy.followed, updates, how));
        changes.id = transaction;
        server_.follow(database, std::move(changes));
        return {};
    };
    copy.source = std::make_unique<Source>(loop_, std::move(options), std::move(handler));
}

// What the active server has and is not left out, this one has to have as well, of the same type.
Result<Source::Wanted> Backup::schema_received(Copy& copy, ServedDatabase& database,
                                               const json::Value& json) {
    auto theirs = DatabaseSchema::from_json(json);
    if (!theirs) return theirs.error();
    const DatabaseSchema& ours = database.database().schema();
    Source::Wanted wanted;
    wanted.anew = copy.followed.empty();
    copy.followed.clear();
    for (const TableSchema& table : (*theirs)->tables) {
        if (excluded_.count({ours.name, table.name})) continue;
        const TableSchema* our_table = ours.find_table(table.name);
        if (!our_table) return Error{fmt::format("table {} is not in this server's schema", table.name)};
        json::Array columns;
        for (const ColumnSchema& column : table.columns) {
            const ColumnSchema* our_column = our_table->find_column(column.name);
            if (!our_column || !can_hold(our_column->type, column.type)) {
                return Error{
                    fmt::format("column {} of table {} is not in this server's schema, or of another type",
                                column.name, table.name)};
            }
            columns.push_back(column.name);
        }
        copy.followed.insert(our_table);
        wanted.requests.add(table.name, json::Array{json::Object{{"columns", std::move(columns)}}});
    }
    return wanted;
}

void Backup::on_change(ServedDatabase& database, const ChangeSet& changes) {
    auto it = copies_.find(database.name());
    if (!changes.tables.empty() || it == copies_.end()) return;
    // It was converted: its tables are others.
    it->second->followed.clear();
    it->second->source->fetch_anew();
}

void Backup::on_taken_back(ServedDatabase& database) {
    auto it = copies_.find(database.name());
    if (it != copies_.end()) it->second->source->fetch_anew();
}

std::string Backup::status() const {
    if (!is_backup_) return "state: active\n";
    std::string following, errors;
    for (const auto& [name, copy] : copies_) {
        if (copy->source->state() == Source::State::kFollowing)
            following += (following.empty() ? "" : ", ") + name;
        if (copy->source->state() == Source::State::kFailed)
            errors += fmt::format("error: {}: {}\n", name, copy->source->error());
    }
    std::string out = "state: backup\n";
    out += fmt::format("{}: {}\n", following.empty() ? "connecting" : "replicating", active_server_);
    if (!following.empty()) {
        out += fmt::format("database: {}\n", following);
        if (!excluded_.empty()) out += fmt::format("exclude: {}\n", excluded());
    }
    return out + errors;
}

}  // namespace weft::ovsdb
