// Follows a database of another server, as relays and backups do: keeps a connection, tells what the database
// is and everything that happens to it, and passes requests on.
//
// After a connection was lost only what happened meanwhile is fetched, if the server still knows it
// (monitor_cond_since); otherwise, and from servers that keep no history, the contents as a whole.  The
// server's own
// `_Server` tells whether it has the database, and is in touch with what keeps it; if not, and there are
// other remotes, the next one is tried.
//
// What it hands over is JSON as it came; source_updates.h reads it.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/server/source_updates.h"

namespace weft::ovsdb {

class Source {
  public:
    struct Options {
        std::string database;
        std::vector<std::string> remotes;
        int64_t probe_interval_ms = 60000;
        Uuid own_server_id;  // a server that says it has this one is ourselves
    };
    struct Wanted {
        json::Object requests;  // <monitor-requests>
        bool anew = false;      // all of the contents
    };
    // Never called within a call to the source, which must not be destroyed in them.
    struct Handler {
        // The database's schema is known: before the first contents, and whenever it may be another one.  An
        // error makes the source wait for another schema.
        std::function<Result<Wanted>(const json::Value& schema)> on_schema;
        // The contents, or what happened to them.  `transaction` is zero if the server tells none.  An error
        // makes the source fetch everything anew.
        std::function<Result<void>(const json::Value& updates, SourceUpdate how, const Uuid& transaction)>
            on_update;
        std::function<void()> on_status;  // state() or error() changed
    };
    enum class State {
        kConnecting,  // or waiting for the server to have the database
        kFetching,
        kFollowing,
        kFailed,  // error() says why; tries again when something changed there
    };
    using Reply = std::function<void(const net::Message&)>;

    Source(net::Loop& loop, Options options, Handler handler);
    ~Source();

    State state() const;
    const std::string& error() const;
    const std::string& remote() const;
    void set_probe_interval(int64_t ms);
    void fetch_anew();  // everything

    // Sends a request as soon as the database is followed; `done` gets the reply, or the error "canceled" if
    // the connection was lost before that came: then nobody knows whether it was done.  `key` names it for
    // cancel().
    void request(uint64_t key, std::string method, json::Value params, Reply done);
    // Ends it early.  True if it was not sent yet, and `done` will not be called; otherwise the server is
    // asked.
    bool cancel(uint64_t key);
    void forget(uint64_t key);  // `done` is not called any more
    size_t waiting_requests() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::ovsdb
