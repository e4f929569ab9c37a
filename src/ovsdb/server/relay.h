// A database of another server, its source, served from memory (ovsdb(7), "Relay Service Model").
//
// Reading and monitoring are this server's own business; what writes is passed on, and its reply comes after
// the update that it caused.  Transactions keep the ids that the source gives them, so a client that goes
// from one relay to another, or to the source, fetches only what it has missed.  A source that is lost counts
// as connected for half a minute: clients need not leave for a restart.

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ovsdb/server/server.h"
#include "ovsdb/server/source.h"
#include "ovsdb/server/upstream.h"

namespace weft::ovsdb {

class Relay final : public Upstream {
  public:
    // `description`: relay:DB:REMOTE[,REMOTE]...  The database is added to `server`, which must live longer.
    static Result<std::unique_ptr<Relay>> create(net::Loop& loop, Server& server,
                                                 std::string_view description);
    static bool is_description(std::string_view text) { return text.starts_with("relay:"); }

    // To be called before it goes.
    const std::string& database() const { return name_; }

    StorageStatus status() const override;
    bool available() const override { return served_schema_ != nullptr; }
    void request(uint64_t key, std::string method, json::Value params, Reply done) override;
    bool cancel(uint64_t key) override { return source_->cancel(key); }
    void forget(uint64_t key) override { source_->forget(key); }
    size_t waiting_requests() const override { return source_->waiting_requests(); }

  private:
    Relay(net::Loop& loop, Server& server, std::string name, std::vector<std::string> remotes);

    Result<Source::Wanted> schema_received(const json::Value& json);
    Result<void> updated(const json::Value& updates, SourceUpdate how, const Uuid& transaction);
    void state_changed();
    void set_connected(bool connected);

    Server& server_;
    std::string name_;
    std::shared_ptr<const DatabaseSchema> served_schema_;  // nullptr: none is served yet
    std::unique_ptr<Database> fresh_;                      // of a new schema, until its contents have come
    std::set<const TableSchema*> followed_;
    bool connected_ = false;
    std::unique_ptr<net::Loop::Timer> lost_timer_;
    std::unique_ptr<Source> source_;
};

}  // namespace weft::ovsdb
