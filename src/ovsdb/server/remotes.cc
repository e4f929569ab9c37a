#include "ovsdb/server/remotes.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_server");

constexpr int64_t kStatusMs = 2500;
constexpr int64_t kDefaultProbeMs = 5000;

bool is_unix(const std::string& target) {
    return target.starts_with("unix:") || target.starts_with("punix:");
}

const Datum* find_value(const Table& table, const RowData& data, const char* column) {
    const ColumnSchema* schema = table.schema().find_column(column);
    return schema ? &data[schema->index] : nullptr;
}

}  // namespace

Result<ColumnName> parse_column_name(std::string_view text) {
    size_t first = text.find(','),
           second = first == std::string_view::npos ? first : text.find(',', first + 1);
    if (!text.starts_with("db:") || second == std::string_view::npos) {
        return Error{fmt::format("\"{}\": invalid syntax (expected db:DATABASE,TABLE,COLUMN)", text)};
    }
    return ColumnName{std::string(text.substr(3, first - 3)),
                      std::string(text.substr(first + 1, second - first - 1)),
                      std::string(text.substr(second + 1))};
}

Result<std::string> read_string_column(Server& server, const ColumnName& name) {
    ServedDatabase* database = server.find_database(name.database);
    if (!database)
        return Error{fmt::format("\"db:{},{},{}\": no database named {}", name.database, name.table,
                                 name.column, name.database)};
    const Table* table = database->database().find_table(name.table);
    if (!table)
        return Error{fmt::format("\"db:{},{},{}\": no table named {}", name.database, name.table, name.column,
                                 name.table)};
    const ColumnSchema* column = table->schema().find_column(name.column);
    if (!column || column->index < 0) {
        return Error{fmt::format("\"db:{},{},{}\": no column named {}", name.database, name.table,
                                 name.column, name.column)};
    }
    if (column->type.key.type != AtomType::kString || column->type.is_map()) {
        return Error{fmt::format("\"db:{},{},{}\": table {} column {} does not have string type",
                                 name.database, name.table, name.column, name.table, name.column)};
    }
    for (const Row* row : table->rows()) return std::string((*row->data)[column->index].string());
    return std::string();
}

Remotes::Remotes(net::Loop& loop, Server& server) : loop_(loop), server_(server) {
    status_timer_ = loop.timer([this] {
        write_status();
        status_timer_->arm_in(kStatusMs);
    });
    status_timer_->arm_in(kStatusMs);
    update_timer_ = loop.timer([this] { update(); });
}

Remotes::~Remotes() {
    closing_ = true;
}

Result<void> Remotes::add(const std::string& remote) {
    if (remote.starts_with("db:")) {
        WEFT_ASSIGN(ColumnName name, parse_column_name(remote));
        ServedDatabase* database = server_.find_database(name.database);
        if (!database) return Error{fmt::format("\"{}\": no database named {}", remote, name.database)};
        const Table* table = database->database().find_table(name.table);
        if (!table) return Error{fmt::format("\"{}\": no table named {}", remote, name.table)};
        const ColumnSchema* column = table->schema().find_column(name.column);
        if (!column) return Error{fmt::format("\"{}\": no column named {}", remote, name.column)};
        bool strings = column->type.key.type == AtomType::kString && !column->type.is_map();
        if (!strings && column->type.key.ref_table.empty()) {
            return Error{
                fmt::format("\"{}\": type mismatch, column {} must hold strings or references to rows",
                            remote, name.column)};
        }
        configured_.insert(remote);
        update_timer_->arm_in(0);
        return {};
    }
    if (!net::is_passive_name(remote) && !net::is_active_name(remote)) {
        return Error{fmt::format(
            "\"{}\" is not a valid remote (expected punix:, ptcp:, pssl:, unix:, tcp:, ssl: or db:)",
            remote)};
    }
    auto target = std::make_unique<Target>();
    target->name = remote;
    target->options.remote = remote;
    target->options.probe_interval_ms = is_unix(remote) ? 0 : kDefaultProbeMs;
    WEFT_TRY(open(*target));
    configured_.insert(remote);
    targets_[remote] = std::move(target);
    return {};
}

bool Remotes::remove(const std::string& remote) {
    if (!configured_.erase(remote)) return false;
    update();
    return true;
}

void Remotes::collect(const std::string& remote, Wanted& wanted) {
    if (!remote.starts_with("db:")) {
        Target& target = wanted[remote];
        target.name = remote;
        target.options.remote = remote;
        target.options.probe_interval_ms = is_unix(remote) ? 0 : kDefaultProbeMs;
        return;
    }
    if (auto name = parse_column_name(remote)) collect_column(*name, wanted);
}

void Remotes::collect_column(const ColumnName& name, Wanted& wanted) {
    ServedDatabase* database = server_.find_database(name.database);
    const Table* table = database ? database->database().find_table(name.table) : nullptr;
    const ColumnSchema* column = table ? table->schema().find_column(name.column) : nullptr;
    if (!column || column->index < 0) return;
    watched_.insert(&table->schema());
    for (const Row* row : table->rows()) {
        const Datum& value = (*row->data)[column->index];
        if (column->type.key.type == AtomType::kString) {
            for (uint32_t i = 0; i < value.size(); ++i) {
                std::string remote(value.key(i).string());
                if (net::is_passive_name(remote) || net::is_active_name(remote)) collect(remote, wanted);
            }
            continue;
        }
        const Table& rows = database->database().table(column->type.key.ref_table_index);
        watched_.insert(&rows.schema());
        for (const Uuid& uuid : value.uuids()) {
            if (const Row* referenced = rows.find(uuid)) collect_row(*database, rows, *referenced, wanted);
        }
    }
}

void Remotes::collect_row(ServedDatabase& database, const Table& table, const Row& row, Wanted& wanted) {
    const Datum* name = find_value(table, *row.data, "target");
    if (!name || name->empty()) return;
    std::string remote(name->string());
    if (!net::is_passive_name(remote) && !net::is_active_name(remote)) {
        static log::RateLimit limit(1, 5);
        if (limit.pass(lg)) lg.warn("{}: \"{}\" is not a valid remote", database.name(), remote);
        return;
    }
    const Datum* role = find_value(table, *row.data, "role");
    if (role && !role->string().empty()) {
        static log::RateLimit limit(1, 5);
        if (limit.pass(lg)) {
            lg.err(
                "{}: remote {} has role \"{}\", and role-based access control is not supported: it is not "
                "served",
                database.name(), remote, role->string());
        }
        return;
    }
    Target& target = wanted[remote];
    target.name = remote;
    target.options.remote = remote;
    const Datum* probe = find_value(table, *row.data, "inactivity_probe");
    target.options.probe_interval_ms = probe && !probe->empty() ? probe->integer()
                                       : is_unix(remote)        ? 0
                                                                : kDefaultProbeMs;
    if (target.options.probe_interval_ms > 0 && target.options.probe_interval_ms < 1000)
        target.options.probe_interval_ms = 1000;
    const Datum* read_only = find_value(table, *row.data, "read_only");
    target.options.read_only = read_only && read_only->boolean();
    const Datum* backoff = find_value(table, *row.data, "max_backoff");
    if (backoff && !backoff->empty()) target.max_backoff_ms = backoff->integer();
    target.database = &database;
    target.table = &table.schema();
    target.row = row.uuid;
}

void Remotes::update() {
    Wanted wanted;
    watched_.clear();
    for (const std::string& remote : configured_) collect(remote, wanted);
    for (auto it = targets_.begin(); it != targets_.end();) {
        if (wanted.count(it->first)) {
            ++it;
            continue;
        }
        std::unique_ptr<Target> gone = std::move(it->second);
        it = targets_.erase(it);
        close(*gone);
    }
    for (auto& [name, want] : wanted) {
        std::unique_ptr<Target>& target = targets_[name];
        bool fresh = !target;
        if (fresh) target = std::make_unique<Target>();
        target->name = name;
        target->options = want.options;
        target->max_backoff_ms = want.max_backoff_ms;
        target->database = want.database;
        target->table = want.table;
        target->row = want.row;
        if (!target->listener && !target->retry) {
            auto opened = open(*target);
            if (!opened && !target->refused) lg.err("{}: listen failed: {}", name, opened.error().message);
            target->refused = !opened.ok();
            if (target->database) status_timer_->arm_in(0);
            if (target->refused) update_timer_->arm_in(kStatusMs);
        }
    }
}

Result<void> Remotes::open(Target& target) {
    if (net::is_passive_name(target.name)) {
        WEFT_ASSIGN(target.listener,
                    net::listen(loop_, target.name, [this, &target](std::unique_ptr<net::Stream> stream) {
                        accept(target, std::move(stream));
                    }));
        return {};
    }
    target.retry = loop_.timer([this, &target] { connect(target); });
    target.retry->arm_in(0);
    return {};
}

void Remotes::connect(Target& target) {
    auto stream = net::connect(loop_, target.name);
    if (!stream) {
        lg.info("{}: {}", target.name, stream.error().message);
        target.backoff_ms = std::min(target.backoff_ms * 2, target.max_backoff_ms);
        target.retry->arm_in(target.backoff_ms);
        return;
    }
    accept(target, *std::move(stream));
}

void Remotes::accept(Target& target, std::unique_ptr<net::Stream> stream) {
    target.since_ms = clock::monotonic_ms();
    target.sessions.insert(server_.accept(std::move(stream), target.options));
    if (target.database) status_timer_->arm_in(0);
}

void Remotes::close(Target& target) {
    target.listener.reset();
    target.retry.reset();
    std::set<SessionId> sessions = std::move(target.sessions);
    target.sessions.clear();
    for (SessionId id : sessions) server_.close_session(id);
}

void Remotes::on_session_end(const Session& session) {
    if (closing_) return;
    auto it = targets_.find(session.options.remote);
    if (it == targets_.end() || !it->second->sessions.erase(session.id)) return;
    Target& target = *it->second;
    target.since_ms = clock::monotonic_ms();
    if (target.database) status_timer_->arm_in(0);
    if (!target.retry) return;
    bool lasted = target.since_ms - session.connected_ms > target.max_backoff_ms;
    target.backoff_ms = lasted ? 1000 : std::min(target.backoff_ms * 2, target.max_backoff_ms);
    target.retry->arm_in(target.backoff_ms);
}

void Remotes::on_change(ServedDatabase&, const ChangeSet& changes) {
    bool converted = changes.tables.empty();
    for (const TableChange& group : changes.tables) {
        if (!watched_.count(group.table)) continue;
        for (const RowChange& change : group.rows) {
            if (!change.before || !change.after) return (void)update_timer_->arm_in(0);
            for (const ColumnSchema& column : group.table->columns) {
                if (!column.ephemeral && change.changed(column.index)) return (void)update_timer_->arm_in(0);
            }
        }
    }
    if (converted) update();
}

std::map<std::string, std::string> Remotes::status_of(const Target& target) const {
    std::map<std::string, std::string> status;
    int64_t seconds = (clock::monotonic_ms() - target.since_ms) / 1000;
    if (target.listener) {
        if (target.listener->port()) status["bound_port"] = std::to_string(target.listener->port());
        if (target.sessions.size() > 1) status["n_connections"] = std::to_string(target.sessions.size());
        if (!target.sessions.empty()) status["sec_since_connect"] = std::to_string(seconds);
    } else {
        status["state"] = target.sessions.empty() ? "BACKOFF" : "ACTIVE";
        if (target.since_ms) {
            status[target.sessions.empty() ? "sec_since_disconnect" : "sec_since_connect"] =
                std::to_string(seconds);
        }
    }
    return status;
}

void Remotes::write_status() {
    for (auto& [name, target] : targets_) {
        if (!target->database) continue;
        Database& database = target->database->database();
        Table& table = database.table(target->table->index);
        const Row* row = table.find(target->row);
        if (!row) continue;
        std::map<std::string, std::string> status = status_of(*target);
        DatumBuilder builder(AtomType::kString, AtomType::kString);
        for (const auto& [key, value] : status) builder.add(key, value);
        Datum status_datum = builder.finish_sorted();
        Datum connected = Datum::of(!target->sessions.empty());
        const ColumnSchema* status_column = table.schema().find_column("status");
        const ColumnSchema* connected_column = table.schema().find_column("is_connected");
        bool same = (!status_column || (*row->data)[status_column->index] == status_datum) &&
                    (!connected_column || (*row->data)[connected_column->index] == connected);
        if (same) continue;
        server_.change(*target->database, [&](Transaction& transaction) {
            RowData& data = *transaction.modify(table, target->row);
            if (status_column) data[status_column->index] = status_datum;
            if (connected_column) data[connected_column->index] = connected;
        });
    }
}

}  // namespace weft::ovsdb
