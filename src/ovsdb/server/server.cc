#include "ovsdb/server/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "json/text.h"
#include "ovsdb/server/server_database.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_jsonrpc_server");
log::Module storage_log("ovsdb_file");

constexpr int64_t kTickMs = 1000;
// A client that does not read is dropped when it is this far behind, so that it cannot take the server down.
constexpr size_t kMaxBacklog = size_t{1} << 30;

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
    turn_ = loop.each_turn([this] { flush(); });
    wait_timer_ = loop.timer([this] { retry_waiting({}); });
    tick_timer_ = loop.timer([this] { tick(); });
    tick_timer_->arm_in(kTickMs);
    add_database(std::make_unique<Database>(server_database_schema()), nullptr);
}

Server::~Server() {
    for (auto& [id, session] : sessions_) drop_monitors(*session);
}

bool Server::add_database(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage) {
    std::string name = database->schema().name;
    if (databases_.count(name)) return false;
    auto served = std::make_unique<ServedDatabase>(std::move(database), std::move(storage));
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
            affected->leave(it->second->group, it->second.get());
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
    set("model", Datum::of(database.storage() ? database.storage()->model() : std::string("standalone")));
    set("connected", Datum::of(true));
    set("leader", Datum::of(true));
    set("schema", Datum::of(json::to_text(database.database().schema().to_json())));
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

SessionId Server::accept(std::unique_ptr<net::Stream> stream, SessionOptions options) {
    auto session = std::make_unique<Session>();
    Session* raw = session.get();
    raw->id = next_session_++;
    raw->options = std::move(options);
    raw->connected_ms = clock::monotonic_ms();
    raw->rpc = std::make_unique<net::RpcConnection>(
        loop_, std::move(stream), [this, raw](net::Message message) { handle(*raw, std::move(message)); },
        [this, id = raw->id](std::string reason) { end_session(id, reason); });
    lg.dbg("{}: connected", raw->rpc->name());
    sessions_[raw->id] = std::move(session);
    return raw->id;
}

Session* Server::find_session(SessionId id) {
    auto it = sessions_.find(id);
    return it == sessions_.end() ? nullptr : it->second.get();
}

void Server::send(SessionId id, std::string_view text) {
    if (Session* session = find_session(id)) session->rpc->send_text(text);
}

void Server::drop_monitors(Session& session) {
    for (auto& [id, monitor] : session.monitors) monitor->database->leave(monitor->group, monitor.get());
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
    ended_.push_back(std::move(it->second));
    sessions_.erase(it);
    if (on_session_end) on_session_end(session);
    loop_.wake();
}

void Server::close_session(SessionId id) {
    if (Session* session = find_session(id)) {
        lg.dbg("{}: closing", session->rpc->name());
        end_session(id, "");
    }
}

void Server::reconnect_all() {
    std::vector<SessionId> ids;
    for (const auto& [id, session] : sessions_) ids.push_back(id);
    for (SessionId id : ids) close_session(id);
}

void Server::handle(Session& session, net::Message message) {
    if (!find_session(session.id)) return;  // it ended earlier in this turn
    if (message.type == net::Message::Type::kRequest) {
        handle_request(session, message, json::to_text(message.id));
    } else if (message.type == net::Message::Type::kNotification) {
        if (message.method == "cancel") cancel(session, message.params);
    } else {
        session.probe_sent_ms = 0;
    }
}

bool Server::execute_transaction(ServedDatabase& database, SessionId session, const json::Value& params,
                                 const std::string& id, int64_t started_ms, int64_t* deadline_ms) {
    ExecuteContext context;
    context.holds_lock = [&](std::string_view lock) { return locks_.owns(session, lock); };
    context.elapsed_ms = clock::monotonic_ms() - started_ms;
    Session* client = find_session(session);
    context.read_only = read_only_ || &database == server_database_ || (client && client->options.read_only);
    ExecuteResult result = execute(database.database(), *params.as_array(), 1, context);
    if (result.waiting) {
        *deadline_ms = result.timeout_ms > INT64_MAX / 4 ? INT64_MAX / 2 : started_ms + result.timeout_ms;
        return false;
    }
    Pending pending{&database, nullptr, session, id, std::move(result.reply)};
    if (!result.changes.empty()) {
        if (Storage* storage = database.storage()) storage->append(result.changes);
        pending.changes = std::make_shared<const ChangeSet>(std::move(result.changes));
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
    if (Storage* storage = database.storage()) storage->append(*changes);
    pending_.push_back({&database, std::make_shared<const ChangeSet>(*std::move(changes)), 0, "", ""});
    loop_.wake();
}

void Server::send_updates(ServedDatabase& database, const ChangeSet& changes) {
    std::string text;
    for (const auto& [key, group] : database.groups()) {
        std::string updates = group->spec.updates(changes);
        if (updates == "{}") continue;
        MonitorVersion version = group->spec.version();
        const char* method = version == MonitorVersion::kV1   ? "update"
                             : version == MonitorVersion::kV2 ? "update2"
                                                              : "update3";
        for (Monitor* monitor : group->members) {
            text = fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":[{}", method, monitor->id);
            if (version == MonitorVersion::kV3) text += ",\"" + changes.id.to_string() + "\"";
            text += ',';
            text += updates;
            text += "]}";
            monitor->session->rpc->send_text(text);
        }
    }
}

// The transactions of databases that could not be kept, newest first.
void Server::take_back(const std::vector<ServedDatabase*>& failed, const std::string& why) {
    json::Object error;
    error.add("details", why);
    error.add("error", "I/O error");
    std::string reply = "[" + json::to_text(error) + "]";
    for (size_t i = pending_.size(); i--;) {
        Pending& pending = pending_[i];
        if (std::find(failed.begin(), failed.end(), pending.database) == failed.end()) continue;
        if (pending.changes) pending.database->database().revert(*pending.changes);
        pending.changes.reset();
        pending.reply = reply;
    }
}

void Server::flush() {
    std::vector<ServedDatabase*> changed;
    while (!pending_.empty()) {
        for (auto& [name, database] : databases_) {
            Storage* storage = database->storage();
            if (!storage || !storage->pending()) continue;
            if (auto kept = storage->sync(); !kept) {
                storage_log.err("{}", kept.error().message);
                take_back({database.get()}, kept.error().message);
            }
        }
        std::vector<Pending> done = std::move(pending_);
        pending_.clear();
        for (Pending& pending : done) {
            if (pending.changes) {
                pending.database->remember(pending.changes);
                send_updates(*pending.database, *pending.changes);
                if (std::find(changed.begin(), changed.end(), pending.database) == changed.end()) {
                    changed.push_back(pending.database);
                }
            }
            if (pending.session) send(pending.session, reply_text(pending.reply, pending.id));
        }
        for (Pending& pending : done) {
            if (pending.changes && on_change) on_change(*pending.database, *pending.changes);
        }
        if (pending_.empty() && !changed.empty()) {
            retry_waiting(changed);
            changed.clear();
        }
    }
    ended_.clear();
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

Result<void> Server::compact(ServedDatabase& database, std::string_view comment) {
    flush();
    Storage* storage = database.storage();
    if (!storage) return {};
    return storage->compact(database.database(), comment);
}

void Server::tick() {
    tick_timer_->arm_in(kTickMs);
    int64_t now = clock::monotonic_ms();
    std::vector<std::pair<SessionId, std::string>> dead;
    for (auto& [id, session] : sessions_) {
        if (session->rpc->backlog() > kMaxBacklog) {
            dead.emplace_back(id, "the client does not read what it is sent");
            continue;
        }
        int64_t interval = session->options.probe_interval_ms;
        if (!interval || now - session->rpc->last_received_ms() < interval) continue;
        if (!session->probe_sent_ms) {
            session->probe_sent_ms = now;
            session->rpc->send_text("{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
        } else if (now - session->probe_sent_ms >= interval) {
            dead.emplace_back(id, fmt::format("no response to inactivity probe after {:.3g} seconds",
                                              static_cast<double>(now - session->probe_sent_ms) / 1000));
        }
    }
    for (const auto& [id, reason] : dead) end_session(id, reason);
    for (auto& [name, database] : databases_) {
        database->forget_initial();
        Storage* storage = database->storage();
        if (!storage || !storage->wants_compaction()) continue;
        uint64_t before = storage->size();
        auto compacted = compact(*database, "compacted automatically");
        if (compacted) {
            storage_log.info("{}: Database compacted, {} -> {} bytes", name, before, storage->size());
        } else {
            storage_log.warn("{}", compacted.error().message);
        }
    }
}

}  // namespace weft::ovsdb
