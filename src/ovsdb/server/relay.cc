#include "ovsdb/server/relay.h"

#include <fmt/format.h>

#include "base/log.h"
#include "net/stream.h"
#include "ovsdb/client/replica.h"

namespace weft::ovsdb {

namespace {

log::Module lg("ovsdb_relay");

constexpr int64_t kPatienceMs = 30000;

std::shared_ptr<const DatabaseSchema> empty_schema(const std::string& name) {
    auto schema = DatabaseSchema::from_json(
        json::Object{{"name", name}, {"version", "0.0.0"}, {"tables", json::Object()}});
    return schema ? *schema : nullptr;
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::create(net::Loop& loop, Server& server, std::string_view description) {
    std::string_view rest = description.substr(std::string_view("relay:").size());
    size_t colon = rest.find(':');
    std::string name(rest.substr(0, colon));
    if (colon == std::string_view::npos || !is_identifier(name))
        return Error{fmt::format("{}: invalid syntax (relay:DATABASE:REMOTE is right)", description)};
    std::vector<std::string> remotes = client::split_remotes(rest.substr(colon + 1));
    if (remotes.empty())
        return Error{fmt::format("{}: invalid syntax (relay:DATABASE:REMOTE is right)", description)};
    for (const std::string& remote : remotes) {
        if (net::is_active_name(remote) || net::is_passive_name(remote)) continue;
        return Error{fmt::format("{}: \"{}\" is not a remote such as tcp:HOST:PORT", description, remote)};
    }
    std::unique_ptr<Relay> relay(new Relay(loop, server, name, std::move(remotes)));
    if (!server.add_database(std::make_unique<Database>(empty_schema(name)), nullptr, relay.get()))
        return Error{fmt::format("{}: duplicate database name", name)};
    return relay;
}

Relay::Relay(net::Loop& loop, Server& server, std::string name, std::vector<std::string> remotes)
    : server_(server), name_(std::move(name)) {
    Source::Options options;
    options.database = name_;
    options.remotes = std::move(remotes);
    options.own_server_id = server.id();
    Source::Handler handler;
    handler.on_schema = [this](const json::Value& json) { return schema_received(json); };
    handler.on_update = [this](const json::Value& updates, SourceUpdate how, const Uuid& transaction) {
        return updated(updates, how, transaction);
    };
    handler.on_status = [this] { state_changed(); };
    lost_timer_ = loop.timer([this] { set_connected(false); });
    source_ = std::make_unique<Source>(loop, std::move(options), std::move(handler));
}

StorageStatus Relay::status() const {
    StorageStatus status;
    status.model = "relay";
    status.connected = connected_;
    status.leader = false;
    return status;
}

void Relay::request(uint64_t key, std::string method, json::Value params, Reply done) {
    source_->request(key, std::move(method), std::move(params), std::move(done));
}

Result<Source::Wanted> Relay::schema_received(const json::Value& json) {
    auto schema = DatabaseSchema::from_json(json);
    if (!schema) return schema.error();
    if ((*schema)->name != name_)
        return Error{fmt::format("the source sent a schema of {} instead of {}", (*schema)->name, name_)};
    Source::Wanted wanted;
    fresh_.reset();
    if (!served_schema_ || !(*served_schema_ == **schema)) {
        fresh_ = std::make_unique<Database>(*schema);
        wanted.anew = true;
    }
    const DatabaseSchema& followed = fresh_ ? **schema : *served_schema_;
    followed_.clear();
    for (const TableSchema& table : followed.tables) {
        followed_.insert(&table);
        json::Array columns;
        for (const ColumnSchema& column : table.columns) columns.push_back(column.name);
        wanted.requests.add(table.name, json::Array{json::Object{{"columns", std::move(columns)}}});
    }
    return wanted;
}

Result<void> Relay::updated(const json::Value& updates, SourceUpdate how, const Uuid& transaction) {
    ServedDatabase& served = *server_.find_database(name_);
    Database& database = fresh_ ? *fresh_ : served.database();
    WEFT_ASSIGN(ChangeSet changes, changes_of(database, followed_, updates, how));
    changes.id = transaction;
    if (!fresh_) {
        server_.follow(served, std::move(changes));
        return {};
    }
    fresh_->apply(changes);
    served_schema_ = fresh_->shared_schema();
    server_.replace(served, std::move(fresh_), transaction);
    return {};
}

void Relay::state_changed() {
    if (source_->state() == Source::State::kFollowing) {
        lost_timer_->disarm();
        set_connected(true);
    } else if (connected_ && !lost_timer_->armed()) {
        lost_timer_->arm_in(kPatienceMs);
    }
}

void Relay::set_connected(bool connected) {
    if (std::exchange(connected_, connected) == connected) return;
    lg.info("{}: {} its source", name_, connected ? "connected to" : "without");
    if (ServedDatabase* served = server_.find_database(name_)) server_.status_changed(*served);
}

}  // namespace weft::ovsdb
