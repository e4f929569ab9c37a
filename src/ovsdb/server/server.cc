#include "ovsdb/server/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "json/text.h"
#include "ovsdb/server/server_database.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_jsonrpc_server");

metrics::Counter executions("transaction_executed");  // a waiting one every time that it is tried
metrics::Counter refused_sessions("ovsdb_session_refused");

constexpr int64_t kTickMs = 1000;
constexpr int64_t kTurnUs = 5000;  // what a turn spends on one client's requests

}  // namespace

std::string reply_text(std::string_view result, std::string_view id) {
    std::string out;
    out.reserve(result.size() + id.size() + 40);
    out += "{\"id\":";
    out += id;
    out += ",\"result\":";
    out += result;
    out += ",\"error\":null}";
    return out;
}

std::string error_text(std::string_view error, std::string_view id) {
    return fmt::format("{{\"id\":{},\"result\":null,\"error\":{}}}", id, error);
}

std::string notification_text(std::string_view method, std::string_view params) {
    return fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":{}}}", method, params);
}

Server::Server(net::Loop& loop) : loop_(loop) {
    set_limits({});
    turn_ = loop.each_turn([this] { end_of_turn(); });
    wait_timer_ = loop.timer([this] { retry_waiting({}); });
    tick_timer_ = loop.timer([this] { tick(); });
    round_timer_ = loop.timer([this] { send_held_updates(); });
    tick_timer_->arm_in(kTickMs);
    add_database(std::make_unique<Database>(server_database_schema()), nullptr);
}

Server::~Server() {
    for (auto& [id, session] : sessions_) drop_monitors(*session);
}

bool Server::add_database(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage,
                          Upstream* upstream) {
    std::string name = database->schema().name;
    if (databases_.count(name)) return false;
    if (storage) storage->on_progress = [&loop = loop_] { loop.post([] {}); };
    auto served = std::make_unique<ServedDatabase>(std::move(database), std::move(storage), upstream);
    ServedDatabase& added = *served;
    databases_[name] = std::move(served);
    if (!server_database_) server_database_ = &added;
    change(*server_database_, [&](Transaction& transaction) { describe_database(transaction, added); });
    databases_changed(nullptr);
    return true;
}

bool Server::remove_database(const std::string& name) {
    auto it = databases_.find(name);
    if (it == databases_.end() || it->second.get() == server_database_) return false;
    flush();
    forget_forwarded([&](const Forwarded& forwarded) { return forwarded.database == it->second.get(); },
                     true);
    databases_changed(it->second.get());
    change(*server_database_, [&](Transaction& transaction) {
        transaction.erase(server_database_->database().table(0), database_rows_[name]);
    });
    database_rows_.erase(name);
    databases_.erase(it);
    return true;
}

// Clients that do not follow _Server find out that something changed by being disconnected; the others
// lose what they had on the database affected (ovsdb-server(7), 4.1.18).
void Server::databases_changed(ServedDatabase* affected) {
    std::vector<SessionId> to_close;
    for (auto& [id, session] : sessions_) {
        if (!session->change_aware) {
            to_close.push_back(id);
            continue;
        }
        for (auto it = session->monitors.begin(); affected && it != session->monitors.end();) {
            if (it->second->database != affected) {
                ++it;
                continue;
            }
            send(id, notification_text("monitor_canceled", "[" + it->first + "]"));
            leave(*it->second);
            it = session->monitors.erase(it);
        }
    }
    waiting_.remove_if([&](const Waiting& waiting) {
        if (waiting.database != affected) return false;
        send(waiting.session, error_text("\"canceled\"", waiting.id));
        return true;
    });
    for (SessionId id : to_close) close_session(id);
}

void Server::describe_database(Transaction& transaction, ServedDatabase& database) {
    Table& table = server_database_->database().table(0);
    auto [it, fresh] = database_rows_.try_emplace(database.name(), Uuid::random());
    RowData& row = fresh ? transaction.insert(table, it->second) : *transaction.modify(table, it->second);
    auto set = [&](const char* column, Datum datum) {
        row[table.schema().find_column(column)->index] = std::move(datum);
    };
    set("name", Datum::of(database.name()));
    StorageStatus status = database.status();
    set("model", Datum::of(status.model));
    set("connected", Datum::of(status.connected));
    set("leader", Datum::of(status.leader));
    if (status.cluster_id) set("cid", Datum::of(*status.cluster_id));
    if (status.server_id) set("sid", Datum::of(*status.server_id));
    if (status.index) set("index", Datum::of(*status.index));
    set("schema", database.available() ? Datum::of(json::to_text(database.database().schema().to_json()))
                                       : Datum::empty_set(AtomType::kString));
}

void Server::status_changed(ServedDatabase& database) {
    change(*server_database_, [&](Transaction& transaction) { describe_database(transaction, database); });
}

void Server::follow(ServedDatabase& database, ChangeSet changes) {
    if (changes.tables.empty()) return;
    if (changes.id.is_zero()) changes.id = Uuid::random();
    auto kept = std::make_shared<const ChangeSet>(std::move(changes));
    database.database().apply(*kept);
    Position position = database.keep(kept);
    pending_.push_back({0, &database, position, std::move(kept), "", "", nullptr, ""});
    loop_.wake();
}

void Server::replace(ServedDatabase& database, std::unique_ptr<Database> contents, const Uuid& last) {
    flush();
    databases_changed(&database);
    database.replace_database(std::move(contents), last.is_zero() ? Uuid::random() : last);
    status_changed(database);
    flush();
    if (on_change) on_change(database, ChangeSet());
}

ServedDatabase* Server::find_database(std::string_view name) {
    auto it = databases_.find(std::string(name));
    return it == databases_.end() ? nullptr : it->second.get();
}

std::vector<std::string> Server::database_names() const {
    std::vector<std::string> names;
    for (const auto& [name, database] : databases_) names.push_back(name);
    return names;
}

void Server::set_limits(const ServerLimits& limits) {
    limits_ = limits;
    unfinished_ = std::make_shared<net::RpcConnection::Budget>();
    unfinished_->max = limits.unfinished_bytes;
}

std::string Server::too_many() const {
    DbError error("resources exhausted",
                  fmt::format("the server has {} sessions, which is its limit", limits_.sessions));
    return json::to_text(error.to_json());
}

SessionId Server::accept(std::unique_ptr<net::Stream> stream, SessionOptions options) {
    bool refused = sessions_.size() >= limits_.sessions;
    if (refused) {
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg)) {
            lg.warn(
                "{}: refused: there are {} sessions, which is the limit (--max-sessions, and the number of "
                "files that the process may open)",
                stream->name(), limits_.sessions);
        }
        refused_sessions.add();
    }
    if (refused && sessions_.size() >= limits_.sessions + limits_.refused_sessions) {
        stream->write(error_text(too_many(), "\"limit\""));
        return 0;  // the stream sends that as it goes
    }
    auto session = std::make_unique<Session>();
    Session* raw = session.get();
    raw->id = next_session_++;
    raw->options = std::move(options);
    raw->sent_ms = clock::monotonic_ms();
    if (refused) raw->refused_ms = raw->sent_ms;
    raw->rpc = std::make_unique<net::RpcConnection>(
        loop_, std::move(stream), [this, raw](net::Message message) { handle(*raw, std::move(message)); },
        [this, id = raw->id](std::string reason) { end_session(id, reason); });
    raw->rpc->set_limits({kSlowBacklog, kTurnUs, limits_.request_bytes, unfinished_});
    lg.dbg("{}: connected", raw->rpc->name());
    sessions_[raw->id] = std::move(session);
    return raw->id;
}

bool Server::may_write(const ServedDatabase& database) const {
    return !read_only_ && &database != server_database_ && !database.upstream();
}

void Server::set_options(SessionId id, const SessionOptions& options) {
    if (Session* session = find_session(id)) session->options = options;
}

Session* Server::find_session(SessionId id) const {
    auto it = sessions_.find(id);
    return it == sessions_.end() ? nullptr : it->second.get();
}

void Server::send(SessionId id, std::string_view text) {
    if (Session* session = find_session(id)) session->rpc->send_text(text);
}

void Server::drop_monitors(Session& session) {
    for (auto& [id, monitor] : session.monitors) leave(*monitor);
    session.monitors.clear();
}

void Server::end_session(SessionId id, const std::string& reason) {
    auto it = sessions_.find(id);
    if (it == sessions_.end()) return;
    Session& session = *it->second;
    if (reason.empty()) {
        lg.dbg("{}: disconnected", session.rpc->name());
    } else {
        lg.info("{}: connection dropped ({})", session.rpc->name(), reason);
    }
    drop_monitors(session);
    for (const std::string& lock : session.locks) notify_lock(locks_.unlock(id, lock), lock);
    waiting_.remove_if([&](const Waiting& waiting) { return waiting.session == id; });
    forget_forwarded([&](const Forwarded& forwarded) { return forwarded.session == id; }, false);
    ended_.push_back(std::move(it->second));
    sessions_.erase(it);
    if (on_session_end) on_session_end(session, reason);
    loop_.wake();
}

void Server::close_session(SessionId id) {
    if (Session* session = find_session(id)) {
        lg.dbg("{}: closing", session->rpc->name());
        end_session(id, "");
    }
}

void Server::reconnect_all(std::string_view reason) {
    std::vector<SessionId> ids;
    for (const auto& [id, session] : sessions_) ids.push_back(id);
    for (SessionId id : ids) {
        const Session* session = find_session(id);
        if (session) lg.info("{}: disconnecting ({})", session->rpc->name(), reason);
        close_session(id);
    }
}

void Server::handle(Session& session, net::Message message) {
    if (!find_session(session.id)) return;  // it ended earlier in this turn
    if (message.type == net::Message::Type::kRequest) {
        std::string id = json::to_text(message.id);
        if (session.refused_ms) {
            session.rpc->send_text(error_text(too_many(), id));
            return end_session(session.id, "there are too many sessions");
        }
        handle_request(session, std::move(message), id);
    } else if (message.type == net::Message::Type::kNotification) {
        if (message.method == "cancel") cancel(session, message.params);
    } else {
        session.probe_sent_ms = 0;
    }
}

RoleAccess Server::access_of(const Session* client, const ServedDatabase& database) const {
    bool has_role = client && !client->options.role.empty();
    return RoleAccess(database.database(), has_role ? client->options.role : "",
                      has_role ? client->rpc->peer_id() : "");
}

bool Server::execute_transaction(ServedDatabase& database, SessionId session, const json::Value& params,
                                 const std::string& id, int64_t started_ms, int64_t* deadline_ms) {
    ExecuteContext context;
    context.holds_lock = [&](std::string_view lock) { return locks_.owns(session, lock); };
    context.elapsed_ms = clock::monotonic_ms() - started_ms;
    Session* client = find_session(session);
    if (&database == server_database_) {
        context.read_only = "on table in reserved database _Server";
    } else if (read_only_ || (client && client->options.read_only)) {
        context.read_only = "when database server is in read only mode";
    }
    RoleAccess access = access_of(client, database);
    if (access.restricts()) context.access = &access;
    ExecuteResult result = execute(database.database(), *params.as_array(), 1, context);
    executions.add();
    if (result.waiting) {
        *deadline_ms = result.timeout_ms > INT64_MAX / 4 ? INT64_MAX / 2 : started_ms + result.timeout_ms;
        return false;
    }
    Pending pending{session, &database, database.position(), nullptr, id, std::move(result.reply),
                    nullptr, ""};
    if (!result.changes.empty()) {
        pending.changes = std::make_shared<const ChangeSet>(std::move(result.changes));
        uint64_t before = database.appended_bytes();
        pending.position = database.keep(pending.changes);
        pending.bytes = database.appended_bytes() - before;
    }
    if (client) {
        client->unkept += pending.bytes;
        if (client->unkept > kMaxUnkeptOfSession) client->rpc->set_reading(false);
    }
    pending_.push_back(std::move(pending));
    return true;
}

void Server::change(ServedDatabase& database, const std::function<void(Transaction&)>& edit) {
    Transaction transaction(database.database());
    edit(transaction);
    auto changes = transaction.commit();
    if (!changes) {
        lg.warn("{}: internal update failed: {}", database.name(), changes.error().message);
        return;
    }
    if (changes->empty()) return;
    auto kept = std::make_shared<const ChangeSet>(*std::move(changes));
    Position position = database.keep(kept);
    pending_.push_back({0, &database, position, std::move(kept), "", "", nullptr, ""});
    loop_.wake();
}

void Server::retry_waiting(const std::vector<ServedDatabase*>& changed) {
    int64_t now = clock::monotonic_ms();
    int64_t next = INT64_MAX / 2;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        bool retry = it->deadline_ms <= now ||
                     std::find(changed.begin(), changed.end(), it->database) != changed.end();
        if (retry && execute_transaction(*it->database, it->session, it->params, it->id, it->started_ms,
                                         &it->deadline_ms)) {
            it = waiting_.erase(it);
            loop_.wake();
            continue;
        }
        next = std::min(next, it->deadline_ms);
        ++it;
    }
    if (next < INT64_MAX / 2) wait_timer_->arm_at(std::max(next, now + 1));
}

void Server::tick() {
    tick_timer_->arm_in(kTickMs);
    check_clients();
    for (auto& [name, database] : databases_) database->forget_initial();
    compact_where_worth();
}

}  // namespace weft::ovsdb
