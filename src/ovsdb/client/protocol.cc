#include "ovsdb/client/protocol.h"

#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "json/text.h"
#include "ovsdb/data/schema.h"

namespace weft::ovsdb::client {
namespace {

log::Module lg("ovsdb_idl");

constexpr const char* kNoTransaction = "00000000-0000-0000-0000-000000000000";

json::Array monitor_id(const char* database) {
    return json::Array{"monid", database};
}

const json::Value* element(const json::Value& array, size_t i) {
    const json::Array* elements = array.as_array();
    return elements && i < elements->size() ? &(*elements)[i] : nullptr;
}

bool is_unknown_method(const net::Message& message) {
    const std::string* text = message.error.as_string();
    return message.type == net::Message::Type::kError && text && *text == "unknown method";
}

// The condition's JSON, from its text.
json::Value condition_json(const Condition& condition) {
    Result<json::Value> value = json::parse(condition.to_text());
    assert(value && "conditions are made of valid JSON");
    return *std::move(value);
}

}  // namespace

Protocol::Protocol(Store& store, Options options)
    : store_(store), options_(options), tables_(store.database().tables.size()) {}

void Protocol::monitor(const TableInfo& table, ColumnSet columns) {
    Table& wanted = tables_[table.index];
    // What is fetched already may be asked for again at any time.
    if (wanted.is_monitored && (wanted.wanted | columns) == wanted.wanted) return;
    assert(phase_ == Phase::kDisconnected);
    wanted.is_monitored = true;
    wanted.wanted = wanted.wanted | columns;
}

void Protocol::request(Request kind, std::string method, json::Value params) {
    int64_t id = next_id_++;
    requests_[id] = kind;
    messages_.push_back(net::Message::request(std::move(method), std::move(params), id));
}

void Protocol::give_up(std::string reason) {
    if (reconnect_) return;
    lg.info("{}", reason);
    reconnect_ = std::move(reason);
}

// --- connecting

void Protocol::connected() {
    phase_ = Phase::kServer;
    method_ = Method::kCondSince;
    server_rows_.clear();
    has_server_database_ = false;
    json::Object database{{"columns", json::Array{"name", "model", "connected", "leader"}}};
    database.add("where", json::array_of(json::Array{"name", "==", store_.database().name}));
    request(Request::kIgnored, "set_db_change_aware", json::Array{true});
    request(Request::kServerMonitor, "monitor_cond",
            json::Array{"_Server", monitor_id("_Server"),
                        json::Object{{"Database", json::Array{std::move(database)}}}});
    send_lock();
}

void Protocol::disconnected() {
    if (phase_ == Phase::kSynced) ++sequence_;
    phase_ = Phase::kDisconnected;
    requests_.clear();
    messages_.clear();
    reconnect_.reset();
    has_lock_ = lock_contended_ = lock_requested_ = false;
    conditions_in_flight_ = false;
    schema_known_ = false;
    for (Table& table : tables_) {  // what was asked for is asked for again, after the next monitor
        if (table.in_flight && !table.next) table.next = std::move(table.in_flight);
        table.in_flight.reset();
        table.on_server = true;
        table.server_columns = ColumnSet::all();
    }
    std::map<int64_t, Commit> commits = std::exchange(commits_, {});
    for (auto& [id, commit] : commits) {
        CommitOutcome outcome;
        outcome.status = CommitStatus::kTryAgain;
        finished_.push_back({std::move(commit.done), std::move(outcome)});
    }
}

void Protocol::received(const net::Message& message) {
    using Type = net::Message::Type;
    if (message.type == Type::kNotification) return notification(message);
    const int64_t* id = message.id.as_integer();
    auto it = id ? requests_.find(*id) : requests_.end();
    if (message.type == Type::kRequest || it == requests_.end()) return;
    Request kind = it->second;
    requests_.erase(it);
    if (kind == Request::kTransact) return transacted(*id, message);
    reply(kind, message);
}

bool Protocol::received(const json::View& message) {
    const std::optional<json::View::Members> members = message.as_object();
    if (!members) return false;
    std::string_view method;
    json::View id, params, result;
    for (const auto& [name, value] : *members) {
        if (name == "method") {
            method = value.as_string().value_or("");
        } else if (name == "id") {
            id = value;
        } else if (name == "params") {
            params = value;
        } else if (name == "result") {
            result = value;
        } else if (!value.is_null()) {
            return false;
        }
    }
    if (!method.empty()) return id.is_null() && updates_received(method, params);
    const std::optional<int64_t> number = id.as_integer();
    auto it = number ? requests_.find(*number) : requests_.end();
    if (it == requests_.end() || it->second != Request::kMonitor || result.is_null() || !params.is_null())
        return false;
    if (!contents_received(result)) return false;
    requests_.erase(*number);
    return true;
}

bool Protocol::updates_received(std::string_view method, const json::View& params) {
    const std::optional<json::View::Elements> elements = params.as_array();
    if (!elements) return false;
    std::array<json::View, 3> given;
    size_t count = 0;
    for (const json::View& each : *elements) {
        if (count == given.size()) return false;
        given[count++] = each;
    }
    if (!count || given[0].to_value() != json::Value(monitor_id(store_.database().name))) return false;
    if (method == "update3" && count == 3 && given[1].as_string()) {
        note_transaction(std::string(*given[1].as_string()));
        updated(given[2], UpdateFormat::kUpdate2, false);
    } else if ((method == "update2" || method == "update") && count == 2) {
        updated(given[1], method == "update" ? UpdateFormat::kUpdate1 : UpdateFormat::kUpdate2, false);
    } else {
        return false;
    }
    return true;
}

// Of a monitor request that succeeded.
bool Protocol::contents_received(const json::View& result) {
    json::View updates = result;
    bool replace = true;
    if (method_ == Method::kCondSince) {
        const std::optional<json::View::Elements> elements = result.as_array();
        if (!elements || elements->size_hint() != 3) return false;
        auto at = elements->begin();
        const std::optional<bool> found = (*at).as_bool();
        const std::optional<std::string_view> last = (*++at).as_string();
        if (!found || !last) return false;
        updates = *++at;
        replace = !*found;
        note_transaction(std::string(*last));
    }
    phase_ = Phase::kSynced;
    condition_acked_ = condition_in_flight_;
    updated(updates, method_ == Method::kPlain ? UpdateFormat::kUpdate1 : UpdateFormat::kUpdate2, replace);
    send_conditions();
    return true;
}

void Protocol::reply(Request kind, const net::Message& message) {
    bool failed = message.type == net::Message::Type::kError;
    switch (kind) {
        case Request::kServerMonitor:
            return server_monitored(message);
        case Request::kSchema:
            return schema_received(message);
        case Request::kMonitor:
            return monitored(message);
        case Request::kCondition:
            if (failed) return give_up("monitor_cond_change refused: " + json::to_text(message.error));
            return conditions_changed();
        case Request::kLock:
            if (!failed) lock_received(message.result);
            return;
        case Request::kIgnored:
        case Request::kTransact:
            return;
    }
}

void Protocol::notification(const net::Message& message) {
    const json::Value* id = element(message.params, 0);
    if (!id) return;
    bool is_server = *id == json::Value(monitor_id("_Server"));
    bool is_data = *id == json::Value(monitor_id(store_.database().name));
    const std::string* lock = id->as_string();
    if (message.method == "update3" && is_data) {
        const json::Value* last = element(message.params, 1);
        const json::Value* updates = element(message.params, 2);
        if (!last || !last->is_string() || !updates) return give_up("malformed update3");
        note_transaction(*last->as_string());
        updated(*updates, UpdateFormat::kUpdate2, false);
    } else if (message.method == "update2" && (is_server || is_data)) {
        const json::Value* updates = element(message.params, 1);
        if (!updates) return give_up("malformed update2");
        is_server ? server_updated(*updates) : updated(*updates, UpdateFormat::kUpdate2, false);
    } else if (message.method == "update" && is_data) {
        const json::Value* updates = element(message.params, 1);
        if (!updates) return give_up("malformed update");
        updated(*updates, UpdateFormat::kUpdate1, false);
    } else if (message.method == "monitor_canceled" && is_data) {
        last_transaction_.clear();  // the database was converted or is gone: everything anew
        phase_ = Phase::kServer;
        schema_known_ = false;
        ++sequence_;
        start_data();
    } else if (lock && *lock == lock_ && (message.method == "locked" || message.method == "stolen")) {
        has_lock_ = message.method == "locked";
        lock_contended_ = !has_lock_;
        ++sequence_;
    }
}

// --- _Server

void Protocol::server_monitored(const net::Message& message) {
    // Servers from before `_Server` serve standalone databases only.
    if (message.type == net::Message::Type::kError) return start_data();
    has_server_database_ = true;
    server_updated(message.result);
    if (phase_ == Phase::kServer && !reconnect_) start_data();
}

void Protocol::server_updated(const json::Value& updates) {
    const json::Object* tables = updates.as_object();
    const json::Value* database = tables ? tables->find("Database") : nullptr;
    if (database && database->as_object()) {
        for (const auto& [uuid, value] : *database->as_object()) {
            const json::Object* update = value.as_object();
            if (!update || update->empty()) continue;
            const auto& [kind, columns] = *update->begin();
            if (kind == "delete") {
                server_rows_.erase(uuid);
                continue;
            }
            ServerRow fresh{false, false, "standalone"};
            ServerRow& row = kind == "modify" ? server_rows_[uuid] : (server_rows_[uuid] = fresh);
            if (!columns.as_object()) continue;
            for (const auto& [name, v] : *columns.as_object()) {
                if (name == "connected" && v.as_bool()) row.connected = *v.as_bool();
                if (name == "leader" && v.as_bool()) row.leader = *v.as_bool();
                if (name == "model" && v.as_string()) row.model = *v.as_string();
            }
        }
    }
    server_usable();
}

bool Protocol::server_usable() {
    if (!has_server_database_) return true;
    const char* name = store_.database().name;
    std::string reason;
    if (server_rows_.empty()) {
        reason = fmt::format("server does not have {} database", name);
    } else if (const ServerRow& row = server_rows_.begin()->second; row.model == "clustered") {
        if (!row.connected) {
            reason = "clustered database server is disconnected from cluster; trying another server";
        } else if (options_.leader_only && !row.leader) {
            reason = "clustered database server is not cluster leader; trying another server";
        }
    } else if (!row.connected) {
        reason = fmt::format("{} database is not connected to its storage", name);
    }
    if (!reason.empty()) give_up(std::move(reason));
    return !reconnect_;
}

void Protocol::set_leader_only(bool leader_only) {
    options_.leader_only = leader_only;
    if (phase_ != Phase::kDisconnected && !server_rows_.empty()) server_usable();
}

// --- schema

void Protocol::start_data() {
    if (options_.optimistic || schema_known_) {
        request_monitor();
    } else {
        request_schema();
    }
}

void Protocol::request_schema() {
    phase_ = Phase::kSchema;
    request(Request::kSchema, "get_schema", json::Array{store_.database().name});
}

void Protocol::schema_received(const net::Message& message) {
    const json::Object* schema = message.result.as_object();
    const json::Value* tables = schema ? schema->find("tables") : nullptr;
    if (message.type == net::Message::Type::kError || !tables || !tables->as_object()) {
        return give_up(
            fmt::format("get_schema of {} failed: {}", store_.database().name, json::to_text(message.error)));
    }
    for (const TableInfo* info : store_.database().tables) {
        const json::Value* table = tables->as_object()->find(info->name);
        const json::Value* columns =
            table && table->as_object() ? table->as_object()->find("columns") : nullptr;
        note_table(*info, columns ? columns->as_object() : nullptr);
    }
    schema_known_ = true;
    request_monitor();
}

// Which of our columns the server has, with a type that its values can be read as.
void Protocol::note_table(const TableInfo& info, const json::Object* columns) {
    Table& table = tables_[info.index];
    table.on_server = columns != nullptr;
    table.server_columns = {};
    std::string missing;
    if (!columns) {
        if (table.is_monitored && !table.warned)
            lg.info("{} database lacks {} table", store_.database().name, info.name);
    } else {
        const TableSchema* ours = store_.database().schema().find_table(info.name);
        for (const ColumnInfo& column : info.columns) {
            const json::Value* json = columns->find(column.name);
            DbResult<ColumnSchema> theirs = json ? ColumnSchema::from_json(column.name, *json)
                                                 : DbResult<ColumnSchema>(DbError("missing", ""));
            const ColumnType& type = ours->find_column(column.name)->type;
            if (theirs && theirs->type.key.type == type.key.type &&
                theirs->type.value.type == type.value.type && (theirs->type.max > 1) == (type.max > 1)) {
                table.server_columns.add(column.index);
            } else if (table.wanted.has(column.index)) {
                missing += fmt::format("{}{}", missing.empty() ? "" : ", ", column.name);
            }
        }
        if (!missing.empty() && !table.warned) {
            lg.info("{} table in {} database lacks columns {}", info.name, store_.database().name, missing);
        }
    }
    table.warned = true;
}

// --- monitoring

json::Object Protocol::monitor_requests() const {
    json::Object out;
    for (const TableInfo* info : store_.database().tables) {
        const Table& table = tables_[info->index];
        if (!table.is_monitored || !table.on_server) continue;
        json::Array columns;
        for (const ColumnInfo& column : info->columns) {
            if (table.wanted.has(column.index) && table.server_columns.has(column.index))
                columns.push_back(column.name);
        }
        json::Object each{{"columns", std::move(columns)}};
        if (method_ != Method::kPlain && !table.acked.is_all())
            each.add("where", condition_json(table.acked));
        out.add(info->name, json::Array{std::move(each)});
    }
    return out;
}

void Protocol::request_monitor() {
    phase_ = Phase::kMonitor;
    const char* database = store_.database().name;
    if (last_transaction_.empty()) {  // all is fetched, so the newest conditions can be in force at once
        for (Table& table : tables_) {
            if (table.next) table.acked = *std::exchange(table.next, std::nullopt);
        }
        condition_in_flight_ = condition_wanted_;
    } else {
        condition_in_flight_ = condition_acked_;
    }
    json::Array params{database, monitor_id(database), monitor_requests()};
    if (method_ == Method::kCondSince) {
        params.push_back(last_transaction_.empty() ? kNoTransaction : json::Value(last_transaction_));
    }
    const char* method = method_ == Method::kCondSince ? "monitor_cond_since"
                         : method_ == Method::kCond    ? "monitor_cond"
                                                       : "monitor";
    request(Request::kMonitor, method, std::move(params));
}

void Protocol::monitored(const net::Message& message) {
    if (is_unknown_method(message) && method_ != Method::kPlain) {
        method_ = method_ == Method::kCondSince ? Method::kCond : Method::kPlain;
        last_transaction_.clear();
        return request_monitor();
    }
    if (message.type == net::Message::Type::kError) {
        if (!schema_known_) return request_schema();  // the optimist learns what there is
        return give_up("monitor request refused: " + json::to_text(message.error));
    }
    phase_ = Phase::kSynced;
    condition_acked_ = condition_in_flight_;
    if (method_ == Method::kCondSince) {
        const json::Value* found = element(message.result, 0);
        const json::Value* last = element(message.result, 1);
        const json::Value* updates = element(message.result, 2);
        if (!found || !found->as_bool() || !last || !last->as_string() || !updates) {
            return give_up("malformed reply to monitor_cond_since");
        }
        note_transaction(*last->as_string());
        updated(*updates, UpdateFormat::kUpdate2, !*found->as_bool());
    } else {
        updated(message.result, method_ == Method::kCond ? UpdateFormat::kUpdate2 : UpdateFormat::kUpdate1,
                true);
    }
    send_conditions();
}

// Servers that keep no history give zeros.
void Protocol::note_transaction(const std::string& id) {
    last_transaction_ = id == kNoTransaction ? "" : id;
}

template <typename Json>
void Protocol::updated(const Json& updates, UpdateFormat format, bool replace) {
    ++sequence_;
    Result<void> applied = apply_updates(store_, updates, format, replace);
    if (applied) {
        ready_ = true;
        return;
    }
    static log::RateLimit limit(5, 5);
    if (limit.pass(lg)) lg.warn("{}: {}", store_.database().name, applied.message());
    last_transaction_.clear();
    give_up("an update could not be read");
}

// --- conditions

uint64_t Protocol::set_condition(const TableInfo& info, Condition condition) {
    Table& table = tables_[info.index];
    const Condition& newest = table.next ? *table.next : table.in_flight ? *table.in_flight : table.acked;
    if (condition == newest) return condition_wanted_;
    table.next = std::move(condition);
    ++condition_wanted_;
    if (phase_ == Phase::kSynced) send_conditions();
    return condition_wanted_;
}

// As text: there may be thousands of clauses, many times a second.
void Protocol::send_conditions() {
    if (conditions_in_flight_) return;
    std::string changes;
    for (const TableInfo* info : store_.database().tables) {
        Table& table = tables_[info->index];
        if (!table.next) continue;
        if (table.is_monitored && table.on_server && method_ != Method::kPlain) {
            changes.append(changes.empty() ? "\"" : ",\"").append(info->name);
            changes.append("\":[{\"where\":").append(table.next->to_text()).append("}]");
        }
        table.in_flight = std::exchange(table.next, std::nullopt);
    }
    condition_in_flight_ = condition_wanted_;
    if (changes.empty()) return conditions_changed();
    conditions_in_flight_ = true;
    const std::string id = json::to_text(monitor_id(store_.database().name));
    int64_t number = next_id_++;
    requests_[number] = Request::kCondition;
    messages_.push_back(net::Message::request_text("monitor_cond_change",
                                                   fmt::format("[{},{},{{{}}}]", id, id, changes), number));
}

void Protocol::conditions_changed() {
    conditions_in_flight_ = false;
    for (Table& table : tables_) {
        if (table.in_flight) table.acked = *std::exchange(table.in_flight, std::nullopt);
    }
    if (condition_acked_ != condition_in_flight_) ++sequence_;
    condition_acked_ = condition_in_flight_;
    for (const Table& table : tables_) {
        if (table.next) return send_conditions();
    }
}

// --- locks

void Protocol::set_lock(std::string name) {
    if (name == lock_) return;
    if (!lock_.empty() && lock_requested_) request(Request::kIgnored, "unlock", json::Array{lock_});
    if (has_lock_) ++sequence_;
    has_lock_ = lock_contended_ = lock_requested_ = false;
    lock_ = std::move(name);
    if (phase_ != Phase::kDisconnected) send_lock();
}

void Protocol::send_lock() {
    if (lock_.empty()) return;
    lock_requested_ = true;
    request(Request::kLock, "lock", json::Array{lock_});
}

void Protocol::lock_received(const json::Value& result) {
    const json::Object* object = result.as_object();
    const json::Value* locked = object ? object->find("locked") : nullptr;
    has_lock_ = locked && locked->as_bool() && *locked->as_bool();
    lock_contended_ = !has_lock_;
    ++sequence_;
}

// --- transactions

void Protocol::commit(Transaction transaction, CommitCallback done) {
    CommitOutcome outcome;
    if (transaction.empty()) {
        outcome.status = CommitStatus::kUnchanged;
    } else if (phase_ != Phase::kSynced) {
        outcome.status = CommitStatus::kNotConnected;
    } else if (!lock_.empty() && !has_lock_) {
        outcome.status = CommitStatus::kNotLocked;
    } else {
        int64_t id = next_id_++;
        requests_[id] = Request::kTransact;
        messages_.push_back(net::Message::request_text("transact", transaction.take_text(lock_), id));
        commits_.emplace(id, Commit{std::move(transaction), std::move(done)});
        return;
    }
    finished_.push_back({std::move(done), std::move(outcome)});
}

void Protocol::transacted(int64_t id, const net::Message& message) {
    auto it = commits_.find(id);
    assert(it != commits_.end());
    CommitOutcome outcome;
    if (message.type == net::Message::Type::kError) {
        outcome.status = CommitStatus::kError;
        outcome.error = json::to_text(message.error);
    } else {
        outcome = it->second.transaction.outcome(message.result);
    }
    if (outcome.status == CommitStatus::kError) lg.warn("transaction error: {}", outcome.error);
    finished_.push_back({std::move(it->second.done), std::move(outcome)});
    commits_.erase(it);
}

}  // namespace weft::ovsdb::client
