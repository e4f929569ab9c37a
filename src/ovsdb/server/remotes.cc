#include "ovsdb/server/remotes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_server");
log::Module session_log("ovsdb_jsonrpc_server");

constexpr int64_t kStatusMs = 2500;
constexpr int64_t kRetryMs = 2500;
constexpr int64_t kDefaultProbeMs = 5000;
constexpr int64_t kMinProbeMs = 1000, kMinBackoffMs = 1000;

bool is_unix(const std::string& target) {
    return target.starts_with("unix:") || target.starts_with("punix:");
}

bool is_remote(const std::string& name) {
    return net::is_passive_name(name) || net::is_active_name(name);
}

// A column of a row that describes a remote, if it is there and of the right type.
const Datum* find_value(const Table& table, const RowData& data, const char* name, AtomType type) {
    const ColumnSchema* column = table.schema().find_column(name);
    if (!column || column->index < 0 || column->type.key.type != type || column->type.is_map())
        return nullptr;
    const Datum& value = data[column->index];
    return value.empty() ? nullptr : &value;
}

}  // namespace

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
        WEFT_ASSIGN(ColumnName name, ColumnName::parse(remote));
        if (awaits_schema(server_, name)) {  // looked at again when the copy has come
            configured_.insert(remote);
            return {};
        }
        WEFT_ASSIGN(FoundColumn found, find_column(server_, name));
        const ColumnType& type = found.column->type;
        bool strings = type.key.type == AtomType::kString && !type.is_map();
        if (!strings && (type.key.ref_table.empty() || type.is_map())) {
            return Error{fmt::format("\"{}\": column {} must hold strings or references to rows", remote,
                                     name.column)};
        }
        configured_.insert(remote);
        update_timer_->arm_in(0);
        return {};
    }
    if (!is_remote(remote)) {
        return Error{fmt::format(
            "\"{}\" is not a valid remote (expected punix:, ptcp:, pssl:, unix:, tcp:, ssl: or db:)",
            remote)};
    }
    if (configured_.insert(remote).second) update();
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
    if (auto name = ColumnName::parse(remote)) collect_column(*name, wanted);
}

void Remotes::collect_column(const ColumnName& name, Wanted& wanted) {
    auto found = find_column(server_, name);
    if (!found) return;  // a database that was removed, or converted
    const auto& [database, table, column] = *found;
    watched_.insert(&table->schema());
    for (const Row* row : table->rows()) {
        const Datum& value = (*row->data)[column->index];
        if (column->type.key.type == AtomType::kString) {
            for (uint32_t i = 0; i < value.size(); ++i) {
                std::string remote(value.key(i).string());
                if (is_remote(remote)) collect(remote, wanted);
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
    const RowData& data = *row.data;
    const Datum* name = find_value(table, data, "target", AtomType::kString);
    if (!name || name->string().empty()) return;
    std::string remote(name->string());
    if (!is_remote(remote)) {
        static log::RateLimit limit(1, 5);
        if (limit.pass(lg)) lg.warn("{}: \"{}\" is not a valid remote", database.name(), remote);
        return;
    }
    Target& target = wanted[remote];
    target.name = remote;
    SessionOptions& options = target.options;
    options.remote = remote;
    options.probe_interval_ms = is_unix(remote) ? 0 : kDefaultProbeMs;
    if (const Datum* probe = find_value(table, data, "inactivity_probe", AtomType::kInteger))
        options.probe_interval_ms = probe->integer() > 0 ? std::max(probe->integer(), kMinProbeMs) : 0;
    const Datum* read_only = find_value(table, data, "read_only", AtomType::kBoolean);
    options.read_only = read_only && read_only->boolean();
    if (const Datum* role = find_value(table, data, "role", AtomType::kString)) options.role = role->string();
    if (const Datum* backoff = find_value(table, data, "max_backoff", AtomType::kInteger))
        target.max_backoff_ms = std::max(backoff->integer(), kMinBackoffMs);
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
        if (!target) target = std::make_unique<Target>();
        target->name = name;
        target->max_backoff_ms = want.max_backoff_ms;
        target->database = want.database;
        target->table = want.table;
        target->row = want.row;
        if (!(target->options == want.options)) {
            target->options = want.options;
            // A role that is given or taken counts for whoever is there.
            for (SessionId id : target->sessions) server_.set_options(id, target->options);
        }
        if (target->connector) target->connector->set_max_backoff(target->max_backoff_ms);
        if (!target->listener && !target->connector) open(*target);
    }
}

void Remotes::open(Target& target) {
    if (!net::is_passive_name(target.name)) return dial(target);
    auto listener = net::listen(loop_, target.name, [this, &target](std::unique_ptr<net::Stream> stream) {
        accept(target, std::move(stream));
    });
    if (listener) {
        target.listener = *std::move(listener);
        target.refused = false;
        return;
    }
    if (!target.refused) session_log.err("{}: listen failed: {}", target.name, listener.message());
    target.refused = true;
    update_timer_->arm_in(kRetryMs);
}

void Remotes::dial(Target& target) {
    net::Connector::Options options;
    options.remotes = {target.name};
    options.probe_interval_ms = 0;  // the server probes all its sessions
    options.max_backoff_ms = target.max_backoff_ms;
    net::Connector::Handler handler;
    handler.on_connected = [this, &target](std::unique_ptr<net::Stream> stream) {
        accept(target, std::move(stream));
    };
    handler.on_drop = [this, &target](std::string) {
        std::set<SessionId> sessions = target.sessions;
        for (SessionId id : sessions) server_.close_session(id);
    };
    handler.last_received_ms = [this, &target] {
        const Session* session =
            target.sessions.empty() ? nullptr : server_.find_session(*target.sessions.begin());
        return session ? session->rpc->last_received_ms() : target.received_ms;
    };
    target.connector = std::make_unique<net::Connector>(loop_, std::move(options), std::move(handler));
}

SessionId Remotes::accept(Target& target, std::unique_ptr<net::Stream> stream) {
    target.connected_ms = clock::monotonic_ms();
    SessionId id = server_.accept(std::move(stream), target.options);
    if (id) {
        target.sessions.insert(id);
    } else if (target.connector) {
        target.connector->ended("there are too many sessions");
    }
    return id;
}

void Remotes::close(Target& target) {
    target.listener.reset();
    target.connector.reset();
    std::set<SessionId> sessions = std::move(target.sessions);
    target.sessions.clear();
    for (SessionId id : sessions) server_.close_session(id);
}

void Remotes::on_session_end(const Session& session, const std::string& reason) {
    if (closing_) return;
    auto it = targets_.find(session.options.remote);
    if (it == targets_.end() || !it->second->sessions.erase(session.id)) return;
    Target& target = *it->second;
    target.disconnected_ms = clock::monotonic_ms();
    target.received_ms = session.rpc->last_received_ms();
    if (target.connector) target.connector->ended(reason);
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

}  // namespace weft::ovsdb
