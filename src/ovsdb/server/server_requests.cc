// The requests of clients, one function each.

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "json/text.h"
#include "ovsdb/engine/convert.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_jsonrpc_server");

std::string text_of(const DbError& error) {
    return json::to_text(error.to_json());
}

// The database that params begin with.
DbResult<ServedDatabase*> database_of(Server& server, const net::Message& message) {
    const json::Array* params = message.params.as_array();
    const std::string* name = params && !params->empty() ? (*params)[0].as_string() : nullptr;
    if (!name) {
        return syntax_error(message.params,
                            fmt::format("{} request params must begin with <db-name>", message.method));
    }
    ServedDatabase* database = server.find_database(*name);
    if (!database) {
        DbError error = syntax_error(
            message.params, fmt::format("{} request specifies unknown database {}", message.method, *name));
        return DbError("unknown database", error.details, error.syntax);
    }
    if (!database->available()) {
        return DbError(
            "database not available",
            fmt::format("{} request specifies database {} which is not yet available because its source has "
                        "not been reached",
                        message.method, *name));
    }
    return database;
}

bool writes(const json::Value& params) {
    for (const json::Value& operation : *params.as_array()) {
        const json::Object* object = operation.as_object();
        const json::Value* op = object ? object->find("op") : nullptr;
        const std::string* name = op ? op->as_string() : nullptr;
        if (name && (*name == "insert" || *name == "update" || *name == "mutate" || *name == "delete"))
            return true;
    }
    return false;
}

}  // namespace

void Server::handle_request(Session& session, net::Message message, const std::string& id) {
    const std::string& method = message.method;
    if (method == "transact") {
        auto database = database_of(*this, message);
        if (database) return transact(session, **database, std::move(message.params), id);
        return tell_in_order(session.id, error_text(text_of(database.error()), id));
    }
    // What follows sees, and is answered after, all that was asked before.  These have an effect on the
    // transactions that come after them, so they do not wait in the queue.
    if (method == "convert" || method == "lock" || method == "steal" || method == "unlock") flush();
    if (pending_.empty()) return carry_out(session, message, id);
    pending_.push_back(
        {session.id, nullptr, 0, nullptr, id, "", std::make_unique<net::Message>(std::move(message)), ""});
}

void Server::carry_out(Session& session, net::Message& message, const std::string& id) {
    const std::string& method = message.method;
    auto fail = [&](const DbError& error) { session.rpc->send_text(error_text(text_of(error), id)); };
    bool conditional = method == "monitor_cond" || method == "monitor_cond_since";
    if (method == "monitor" || (conditional && conditional_monitors_)) {
        auto database = database_of(*this, message);
        if (!database) return fail(database.error());
        MonitorVersion version = method == "monitor"        ? MonitorVersion::kV1
                                 : method == "monitor_cond" ? MonitorVersion::kV2
                                                            : MonitorVersion::kV3;
        return monitor(session, **database, version, message.params, id);
    }
    if (method == "get_schema" || method == "convert") {
        auto database = database_of(*this, message);
        if (!database) return fail(database.error());
        if (method == "convert") return convert(session, **database, message.params, id);
        return get_schema(session, **database, id);
    }
    if (method == "monitor_cond_change") return monitor_change(session, message.params, id);
    if (method == "monitor_cancel") return monitor_cancel(session, message.params, id);
    if (method == "list_dbs") return list_dbs(session, id);
    if (method == "lock" || method == "steal" || method == "unlock")
        return lock(session, method, message.params, id);
    if (method == "set_db_change_aware") return set_change_aware(session, message.params, id);
    if (method == "get_server_id") {
        return session.rpc->send_text(reply_text("\"" + server_id_.to_string() + "\"", id));
    }
    if (method == "echo") return session.rpc->send_text(reply_text(json::to_text(message.params), id));
    session.rpc->send_text(error_text("\"unknown method\"", id));
}

void Server::list_dbs(Session& session, const std::string& id) {
    json::Array names;
    for (const std::string& name : database_names()) names.emplace_back(name);
    session.rpc->send_text(reply_text(json::to_text(names), id));
}

void Server::get_schema(Session& session, ServedDatabase& database, const std::string& id) {
    session.rpc->send_text(reply_text(json::to_text(database.database().schema().to_json()), id));
}

void Server::transact(Session& session, ServedDatabase& database, json::Value params, const std::string& id) {
    int64_t now = clock::monotonic_ms(), deadline_ms = 0;
    if (database.upstream() && writes(params)) {
        // What this server can refuse by itself it does not pass on.
        RoleAccess access = access_of(&session, database);
        if (!session.options.read_only && !access.restricts())
            return forward(session, database, "transact", std::move(params), id);
        ExecuteContext context;
        if (session.options.read_only) context.read_only = "when database server is in read only mode";
        if (access.restricts()) context.access = &access;
        context.rehearse = true;
        ExecuteResult rehearsal = execute(database.database(), *params.as_array(), 1, context);
        if (!rehearsal.failed) return forward(session, database, "transact", std::move(params), id);
        return tell_in_order(session.id, reply_text(rehearsal.reply, id));
    }
    if (execute_transaction(database, session.id, params, id, now, &deadline_ms)) return;
    waiting_.push_back({&database, session.id, id, std::move(params), now, deadline_ms});
    retry_waiting({});  // arms the timer
}

void Server::cancel(Session& session, const json::Value& params) {
    const json::Array* array = params.as_array();
    if (!array || array->size() != 1) return;
    std::string id = json::to_text((*array)[0]);
    if (cancel_forwarded(session, id)) return;
    waiting_.remove_if([&](const Waiting& waiting) {
        if (waiting.session != session.id || waiting.id != id) return false;
        session.rpc->send_text(error_text("\"canceled\"", id));
        return true;
    });
}

void Server::monitor(Session& session, ServedDatabase& database, MonitorVersion version,
                     const json::Value& params, const std::string& id) {
    auto fail = [&](const DbError& error) { session.rpc->send_text(error_text(text_of(error), id)); };
    const json::Array& array = *params.as_array();
    size_t wanted = version == MonitorVersion::kV3 ? 4 : 3;
    if (array.size() != wanted) return fail(syntax_error(params, "invalid parameters"));
    std::string monitor_id = json::to_text(array[1]);
    if (session.monitors.count(monitor_id)) return fail(syntax_error(array[1], "duplicate monitor ID"));
    auto spec = MonitorSpec::parse(version, database.database().schema(), array[2]);
    if (!spec) return fail(spec.error());
    std::optional<Uuid> since;
    if (version == MonitorVersion::kV3) {
        const std::string* text = array[3].as_string();
        if (text) since = Uuid::parse(*text);
        if (!since) return fail(syntax_error(array[3], "last-txn-id must be UUID format."));
    }
    auto monitor = std::make_unique<Monitor>(Monitor{&session, &database, nullptr, monitor_id});
    monitor->group = database.join(*std::move(spec), monitor.get());
    MonitorGroup& group = *monitor->group;
    session.monitors[monitor_id] = std::move(monitor);
    // Clients tend to come in herds and see the same: its text is kept once.
    auto reply = [&](std::string_view before, std::shared_ptr<const std::string> contents,
                     std::string_view after) {
        session.rpc->send_text(fmt::format("{{\"id\":{},\"result\":{}", id, before));
        session.rpc->send_shared(std::move(contents));
        session.rpc->send_text(fmt::format("{},\"error\":null}}", after));
    };
    if (!since) return reply("", database.initial(group), "");
    std::unique_ptr<ChangeSet> changes = since->is_zero() ? nullptr : database.history().since(*since);
    std::string last = database.history().last().to_string();
    if (!changes) return reply(fmt::format("[false,\"{}\",", last), database.initial(group), "]");
    std::string text = fmt::format("[true,\"{}\",{}]", last, group.spec.updates(*changes));
    session.rpc->send_text(reply_text(text, id));
}

void Server::monitor_change(Session& session, const json::Value& params, const std::string& id) {
    auto fail = [&](const DbError& error) { session.rpc->send_text(error_text(text_of(error), id)); };
    const json::Array* array = params.as_array();
    if (!array || array->size() != 3) return fail(syntax_error(params, "invalid parameters"));
    auto it = session.monitors.find(json::to_text((*array)[0]));
    if (it == session.monitors.end() || it->second->group->spec.version() == MonitorVersion::kV1) {
        return fail(syntax_error((*array)[0], "unknown monitor session"));
    }
    std::string new_id = json::to_text((*array)[1]);
    if (new_id != it->first && session.monitors.count(new_id)) {
        return fail(syntax_error((*array)[1], "duplicate monitor ID"));
    }
    ServedDatabase& database = *it->second->database;
    catch_up(session);  // under the old conditions
    std::string updates;
    auto spec = it->second->group->spec.with_conditions((*array)[2], database.told(), updates);
    if (!spec) return fail(spec.error());
    std::unique_ptr<Monitor> monitor = std::move(it->second);
    session.monitors.erase(it);
    bool v3 = spec->version() == MonitorVersion::kV3;
    leave(*monitor);
    monitor->id = new_id;
    monitor->group = database.join(*std::move(spec), monitor.get());
    session.monitors[new_id] = std::move(monitor);
    if (updates != "{}") {
        std::string last = v3 ? ",\"" + database.history().last().to_string() + "\"" : "";
        session.rpc->send_text(fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":[{}{},",
                                           v3 ? "update3" : "update2", new_id, last));
        session.rpc->send_shared(std::make_shared<const std::string>(std::move(updates)));
        session.rpc->send_text("]}");
    }
    session.rpc->send_text(reply_text("{}", id));
}

void Server::monitor_cancel(Session& session, const json::Value& params, const std::string& id) {
    const json::Array* array = params.as_array();
    if (!array || array->size() != 1) return session.rpc->send_text(error_text("\"invalid parameters\"", id));
    auto it = session.monitors.find(json::to_text((*array)[0]));
    if (it == session.monitors.end()) return session.rpc->send_text(error_text("\"unknown monitor\"", id));
    leave(*it->second);
    session.monitors.erase(it);
    session.rpc->send_text(reply_text("{}", id));
}

void Server::notify_lock(const LockTable::Change& change, const std::string& lock) {
    Session* session = find_session(change.session);
    if (!session) return;
    tell_in_order(change.session, notification_text(change.method, "[\"" + lock + "\"]"));
    if (change.method == std::string_view("stolen")) {
        session->locks_lost.insert(lock);
    } else {
        session->locks_lost.erase(lock);
    }
}

void Server::lock(Session& session, const std::string& method, const json::Value& params,
                  const std::string& id) {
    auto fail = [&](std::string why) {
        session.rpc->send_text(error_text(text_of(syntax_error(params, std::move(why))), id));
    };
    if (read_only_ || session.options.read_only) {
        std::string why = "\"lock and unlock methods not allowed, DB server is read only.\"";
        return session.rpc->send_text(error_text(why, id));
    }
    const json::Array* array = params.as_array();
    const std::string* name = array && array->size() == 1 ? (*array)[0].as_string() : nullptr;
    if (!name || !is_identifier(*name)) return fail(method + " request params must be <id>");
    bool known = session.locks.count(*name);
    if (method == "unlock") {
        if (!known) return fail("unlock: \"unlock\" without \"lock\" or \"steal\"");
        session.locks.erase(*name);
        session.locks_lost.erase(*name);
        session.rpc->send_text(reply_text("{}", id));
        return notify_lock(locks_.unlock(session.id, *name), *name);
    }
    if (known) return fail("must issue \"unlock\" before new \"lock\"");
    session.locks.insert(*name);
    if (method == "steal") {
        notify_lock(locks_.steal(session.id, *name), *name);
        return session.rpc->send_text(reply_text("{\"locked\":true}", id));
    }
    bool owned = locks_.lock(session.id, *name);
    session.rpc->send_text(reply_text(owned ? "{\"locked\":true}" : "{\"locked\":false}", id));
}

void Server::set_change_aware(Session& session, const json::Value& params, const std::string& id) {
    const json::Array* array = params.as_array();
    const bool* aware = array && array->size() == 1 ? (*array)[0].as_bool() : nullptr;
    if (!aware) {
        DbError error = syntax_error(params, "set_db_change_aware: true or false parameter expected");
        return session.rpc->send_text(error_text(text_of(error), id));
    }
    session.change_aware = *aware;
    session.rpc->send_text(reply_text("{}", id));
}

void Server::convert(Session& session, ServedDatabase& database, const json::Value& params,
                     const std::string& id) {
    auto fail = [&](const DbError& error) {
        session.rpc->send_text(error_text("[" + text_of(error) + "]", id));
    };
    const json::Array& array = *params.as_array();
    if (RoleAccess access = access_of(&session, database); access.restricts())
        return session.rpc->send_text(error_text(text_of(access.convert_refusal()), id));
    if (session.options.read_only)
        return fail(DbError("not allowed", "convert not allowed when database server is in read only mode"));
    if (array.size() != 2)
        return session.rpc->send_text(error_text(text_of(syntax_error(params, "array expected")), id));
    auto schema = DatabaseSchema::from_json(array[1]);
    if (!schema) return session.rpc->send_text(error_text(text_of(schema.error()), id));
    if ((*schema)->name != database.name() || &database == server_database_) {
        DbError error("invalid parameters",
                      fmt::format("new schema name ({}) does not match database name ({})", (*schema)->name,
                                  database.name()));
        return session.rpc->send_text(error_text(text_of(error), id));
    }
    if (database.upstream()) return forward(session, database, "convert", params, id);
    auto converted = convert_database(database.database(), *schema);
    if (!converted) return fail(converted.error());
    if (Storage* storage = database.storage()) {
        if (auto kept = storage->replace(**converted, "converted by ovsdb-server"); !kept) {
            lg.err("{}", kept.error().message);
            return fail(DbError("I/O error", kept.error().message));
        }
    }
    SessionId asking = session.id;
    bool aware = session.change_aware;
    session.change_aware = true;  // it gets its reply before it is disconnected
    replace(database, *std::move(converted), Uuid());
    send(asking, reply_text("{}", id));
    if (Session* still = find_session(asking)) still->change_aware = aware;
}

}  // namespace weft::ovsdb
