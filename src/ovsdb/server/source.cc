#include "ovsdb/server/source.h"

#include <fmt/format.h>

#include "base/log.h"
#include "json/text.h"

namespace weft::ovsdb {

namespace {

log::Module lg("replication");

const std::string kNoTransaction = Uuid{}.to_string();

const json::Value* element(const json::Value& array, size_t i) {
    const json::Array* elements = array.as_array();
    return elements && i < elements->size() ? &(*elements)[i] : nullptr;
}

bool failed(const net::Message& message) {
    return message.type == net::Message::Type::kError;
}

}  // namespace

struct Source::Impl {
    using Answer = void (Impl::*)(const net::Message&);
    struct Request {
        std::string method;
        json::Value params;
        Reply done;
        int64_t id = 0;  // 0: not sent yet
    };

    net::Loop& loop;
    Options options;
    Handler handler;
    std::unique_ptr<net::RpcSession> session;
    State state = State::kConnecting;
    std::string error;
    std::string last_transaction;  // "": none is known
    int64_t next_id = 1;
    std::map<int64_t, Answer> asked;       // our own questions, by id
    std::map<uint64_t, Request> requests;  // of others, by key
    std::map<int64_t, uint64_t> sent;      // keys by id
    // Of the present connection:
    bool is_self = false;     // the server is ourselves
    bool broken = false;      // what comes is not to be trusted; it ends soon
    bool monitoring = false;  // what happens to the contents is told
    std::string method;       // by which they are monitored
    json::Value server_row;   // of _Server's Database; null: it has no such database

    Impl(net::Loop& l, Options o, Handler h) : loop(l), options(std::move(o)), handler(std::move(h)) {
        net::RpcSession::Options settings;
        settings.remotes = options.remotes;
        settings.probe_interval_ms = options.probe_interval_ms;
        net::RpcSession::Handler events;
        events.on_connected = [this] { connected(); };
        events.on_message = [this](const net::Message& message) { received(message); };
        events.on_disconnected = [this](const std::string&) { disconnected(); };
        session = std::make_unique<net::RpcSession>(loop, std::move(settings), std::move(events));
    }

    // Its own identity on this connection; others have theirs.
    json::Value monitor_id(const char* what) const { return json::Array{"weft", what, options.database}; }

    void ask(std::string name, json::Value params, Answer answer) {
        asked[next_id] = answer;
        session->send(net::Message::request(std::move(name), std::move(params), next_id++));
    }

    void set_state(State to, std::string why = "") {
        if (state == to && error == why) return;
        state = to;
        error = std::move(why);
        if (handler.on_status) handler.on_status();
    }

    void connected() {
        asked.clear();
        is_self = broken = monitoring = false;
        method = "monitor_cond_since";
        server_row = nullptr;
        ask("get_server_id", json::Array{}, &Impl::identified);
        ask("set_db_change_aware", json::Array{true}, nullptr);
        json::Object columns{{"columns", json::Array{"name", "model", "connected", "schema"}}};
        json::Object tables{{"Database", json::Array{std::move(columns)}}};
        ask("monitor_cond", json::Array{"_Server", monitor_id("_Server"), std::move(tables)},
            &Impl::server_monitored);
    }

    void disconnected() {
        asked.clear();
        monitoring = false;
        std::vector<Reply> lost;
        for (const auto& [id, key] : sent) {
            lost.push_back(std::move(requests[key].done));
            requests.erase(key);
        }
        sent.clear();
        set_state(State::kConnecting);
        for (Reply& done : lost) done(net::Message::failure("canceled", nullptr));
    }

    // Everything is fetched by another connection.
    void start_over() {
        broken = true;
        monitoring = false;
        last_transaction.clear();
        session->reconnect();
    }

    void received(const net::Message& message) {
        if (broken) return;
        if (message.type == net::Message::Type::kNotification) return notified(message);
        const int64_t* id = message.id.as_integer();
        if (message.type == net::Message::Type::kRequest || !id) return;
        if (auto it = asked.find(*id); it != asked.end()) {
            Answer answer = it->second;
            asked.erase(it);
            if (answer) (this->*answer)(message);
        } else if (auto passed = sent.find(*id); passed != sent.end()) {
            Reply done = std::move(requests[passed->second].done);
            requests.erase(passed->second);
            sent.erase(passed);
            done(message);
        }
    }

    // --- whether the server has what we want

    void identified(const net::Message& message) {
        const std::string* id = message.result.as_string();
        is_self = id && *id == options.own_server_id.to_string();
        if (is_self) set_state(State::kFailed, "Server ID check failed: Self replicating is not allowed");
    }

    void server_monitored(const net::Message& message) {
        if (failed(message)) {  // from before _Server: it serves what is always there
            server_row = json::Object{{"connected", true}};
        } else {
            take_server_rows(message.result);
        }
        look_at_server();
    }

    void take_server_rows(const json::Value& updates) {
        const json::Object* tables = updates.as_object();
        const json::Value* database = tables ? tables->find("Database") : nullptr;
        if (!database || !database->as_object()) return;
        for (const auto& [uuid, json] : *database->as_object()) {
            const json::Object* update = json.as_object();
            if (!update || update->empty()) continue;
            const auto& [kind, columns] = *update->begin();
            json::Object* known = server_row.as_object();
            bool ours = known && known->find("uuid") && *known->find("uuid") == json::Value(uuid);
            if (kind == "delete") {
                if (ours) server_row = nullptr;
                continue;
            }
            if (!columns.as_object()) continue;
            const json::Value* name = columns.as_object()->find("name");
            if (name && *name == json::Value(options.database)) {
                server_row = json::Object{{"uuid", uuid}, {"connected", false}};
            } else if (!ours) {
                continue;
            }
            if (const json::Value* connected = columns.as_object()->find("connected"))
                server_row.as_object()->set("connected", *connected);
        }
    }

    bool usable() const {
        const json::Object* row = server_row.as_object();
        return row && *row->find("connected") == json::Value(true);
    }

    void look_at_server() {
        if (is_self || state == State::kFetching) return;  // replies are on their way
        if (!usable()) {
            std::string why = fmt::format(
                "{} {}", session->remote(),
                server_row.is_null() ? fmt::format("has no database {}", options.database)
                                     : fmt::format("is not connected to its database {}", options.database));
            if (options.remotes.size() > 1) {
                lg.info("{}; trying the next one", why);
                return session->reconnect();
            }
            if (state != State::kFailed || error != why) lg.info("{}; waiting", why);
            set_state(State::kFailed, std::move(why));
            return;
        }
        if (monitoring) {
            follow();
        } else if (state == State::kConnecting || state == State::kFailed) {
            fetch_schema();
        }
    }

    void follow() {
        set_state(State::kFollowing);
        for (auto& [key, request] : requests) {
            if (!request.id) send(key, request);
        }
    }

    // --- the database

    void fetch_schema() {
        set_state(State::kFetching);
        ask("get_schema", json::Array{options.database}, &Impl::schema_received);
    }

    void schema_received(const net::Message& message) {
        if (state != State::kFetching) return;
        Result<Wanted> wanted = failed(message) ? Error{"get_schema failed: " + json::to_text(message.error)}
                                                : handler.on_schema(message.result);
        if (!wanted) {
            lg.err("{}: {} cannot be copied: {}", session->remote(), options.database, wanted.message());
            return set_state(State::kFailed, wanted.message());
        }
        if (wanted->anew) last_transaction.clear();
        json::Array params{options.database, monitor_id("data"), std::move(wanted->requests)};
        if (method == "monitor_cond_since")
            params.push_back(last_transaction.empty() ? kNoTransaction : last_transaction);
        ask(method, std::move(params), &Impl::contents_received);
    }

    void contents_received(const net::Message& message) {
        if (state != State::kFetching) return;
        if (failed(message)) {
            bool older = message.error == json::Value("unknown method") && method != "monitor";
            if (!older) return give_up("monitoring failed: " + json::to_text(message.error));
            method = method == "monitor_cond_since" ? "monitor_cond" : "monitor";
            last_transaction.clear();
            ask("get_schema", json::Array{options.database}, &Impl::schema_received);
            return;
        }
        SourceUpdate how{method == "monitor" ? SourceFormat::kV1 : SourceFormat::kV2, true};
        if (method != "monitor_cond_since") {
            if (!update(message.result, how, "")) return;
        } else {
            const json::Value *found = element(message.result, 0), *last = element(message.result, 1),
                              *updates = element(message.result, 2);
            if (!found || !found->as_bool() || !last || !last->as_string() || !updates)
                return give_up("the contents cannot be read");
            how.replace = !*found->as_bool();
            if (!update(*updates, how, *last->as_string())) return;
        }
        monitoring = true;
        follow();
    }

    // False if it could not be read.
    bool update(const json::Value& updates, SourceUpdate how, const std::string& transaction) {
        last_transaction = transaction == kNoTransaction ? "" : transaction;
        auto done = handler.on_update(updates, how, Uuid::parse(transaction).value_or(Uuid{}));
        if (!done) give_up(done.message());
        return done.ok();
    }

    void give_up(const std::string& why) {
        static log::RateLimit limit(5, 5);
        if (limit.pass(lg))
            lg.warn("{}: {}: {}; reading everything anew", session->remote(), options.database, why);
        start_over();
    }

    void notified(const net::Message& message) {
        const json::Value* id = element(message.params, 0);
        if (!id) return;
        if (*id == monitor_id("_Server") && message.method == "update2") {
            const json::Value* updates = element(message.params, 1);
            if (updates) take_server_rows(*updates);
            return look_at_server();
        }
        if (!(*id == monitor_id("data"))) return;
        if (message.method == "monitor_canceled") {  // it was converted, or is gone
            last_transaction.clear();
            monitoring = false;
            if (usable()) return fetch_schema();
            return set_state(State::kConnecting);
        }
        if (!monitoring) return;
        bool v3 = message.method == "update3";
        const json::Value* updates = element(message.params, v3 ? 2 : 1);
        const std::string* transaction =
            v3 && element(message.params, 1) ? element(message.params, 1)->as_string() : nullptr;
        if (!updates || (v3 && !transaction)) return give_up("an update cannot be read");
        update(*updates, {message.method == "update" ? SourceFormat::kV1 : SourceFormat::kV2, false},
               transaction ? *transaction : "");
    }

    // --- requests of others

    void send(uint64_t key, Request& request) {
        request.id = next_id++;
        sent[request.id] = key;
        session->send(net::Message::request(request.method, std::move(request.params), request.id));
    }
};

Source::Source(net::Loop& loop, Options options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}

Source::~Source() = default;

Source::State Source::state() const {
    return impl_->state;
}

const std::string& Source::error() const {
    return impl_->error;
}

const std::string& Source::remote() const {
    return impl_->session->remote();
}

void Source::set_probe_interval(int64_t ms) {
    impl_->session->set_probe_interval(ms);
}

void Source::fetch_anew() {
    impl_->start_over();
}

void Source::request(uint64_t key, std::string method, json::Value params, Reply done) {
    auto [it, fresh] = impl_->requests.try_emplace(
        key, Impl::Request{std::move(method), std::move(params), std::move(done)});
    if (fresh && impl_->state == State::kFollowing) impl_->send(key, it->second);
}

bool Source::cancel(uint64_t key) {
    auto it = impl_->requests.find(key);
    if (it == impl_->requests.end()) return false;
    if (it->second.id) {
        impl_->session->send(net::Message::notification("cancel", json::Array{it->second.id}));
        return false;
    }
    impl_->requests.erase(it);
    return true;
}

void Source::forget(uint64_t key) {
    auto it = impl_->requests.find(key);
    if (it == impl_->requests.end()) return;
    // What was sent is answered some time: nobody will hear it.
    it->second.done = [](const net::Message&) {};
    if (!it->second.id) impl_->requests.erase(it);
}

size_t Source::waiting_requests() const {
    return impl_->requests.size();
}

}  // namespace weft::ovsdb
