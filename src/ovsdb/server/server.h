// The database server: databases, and the sessions that use them (RFC 7047, section 4; ovsdb-server(7)).
//
// Transactions are executed as they are read, and handed to their database's storage, which keeps them in its
// own time (storage.h).  Meanwhile the server goes on.  What there is to tell waits in one queue, in the
// order in which it was decided: when transactions are kept, the monitors are told of them, then come the
// replies (a client hears of its own changes before it).  What is kept by then is told as one change.
// Requests that read what clients know, such as those for monitors, take their place in the queue and are
// carried out there.  A transaction that could not be kept is taken back, with all that were decided after
// it, and their clients get an "I/O error".

#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/engine/transaction.h"
#include "ovsdb/server/fan_out_pace.h"
#include "ovsdb/server/limits.h"
#include "ovsdb/server/lock_table.h"
#include "ovsdb/server/served_database.h"
#include "ovsdb/server/session.h"

namespace weft::ovsdb {

class Server {
  public:
    explicit Server(net::Loop& loop);
    ~Server();

    // Databases.  `storage` may be nullptr (in memory).  `upstream` is for copies of another server's, and
    // must live until remove_database().  False if there is one of that name.
    bool add_database(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage,
                      Upstream* upstream = nullptr);
    bool remove_database(const std::string& name);
    ServedDatabase* find_database(std::string_view name);
    std::vector<std::string> database_names() const;  // with _Server

    // Before the first session.
    void set_limits(const ServerLimits& limits);
    // 0: there are far too many sessions, and the client was told so.
    SessionId accept(std::unique_ptr<net::Stream> stream, SessionOptions options);
    void close_session(SessionId id);
    // Closes every session: clients come back.  `reason`: "user ran …".
    void reconnect_all(std::string_view reason);
    const std::map<SessionId, std::unique_ptr<Session>>& sessions() const { return sessions_; }
    Session* find_session(SessionId id) const;  // nullptr once it has ended
    void set_options(SessionId id, const SessionOptions& options);
    bool owns_lock(SessionId id, std::string_view lock) const { return locks_.owns(id, lock); }

    // A change by the server itself.
    void change(ServedDatabase& database, const std::function<void(Transaction&)>& edit);
    // A change that another server has decided: it is made, kept and told as it is.
    void follow(ServedDatabase& database, ChangeSet changes);
    // The same for all of it; `last`: the last transaction.
    void replace(ServedDatabase& database, std::unique_ptr<Database> contents, const Uuid& last);
    void status_changed(ServedDatabase& database);  // what _Server says of it
    // `done` is called when it is over, in a later turn.
    void compact(ServedDatabase& database, std::string comment, std::function<void(Result<void>)> done);
    // Waits until everything that was decided is kept, or taken back, and told.
    void flush();

    // Called after a transaction was kept.  A database that was replaced as a whole has an empty change.
    std::function<void(ServedDatabase&, const ChangeSet&)> on_change;
    // Transactions could not be kept and were taken back, after on_change().
    std::function<void(ServedDatabase&)> on_taken_back;
    std::function<void(Session&, const std::string& reason)> on_session_end;

    const Uuid& id() const { return server_id_; }
    void set_read_only(bool read_only) { read_only_ = read_only; }
    bool may_write(const ServedDatabase& database) const;  // somebody may, and the server itself
    // Memory that the allocator keeps goes back to the system after each compaction
    // (ovsdb-server/memory-trim-on-compaction).
    void set_trim_on_compaction(bool trim) { trim_on_compaction_ = trim; }
    // As a server that knows `monitor` only: for testing clients.
    void disable_conditional_monitors() { conditional_monitors_ = false; }
    int64_t triggers() const { return static_cast<int64_t>(waiting_.size()); }

  private:
    // Something to be told: a transaction with its reply, a request to be carried out, or a text.
    struct Pending {
        SessionId session;                         // 0: the server's own
        ServedDatabase* database = nullptr;        // nullptr: nothing to wait for but what is before it
        Position position = 0;                     // of the database's storage, to be kept before
        std::shared_ptr<const ChangeSet> changes;  // nullptr: nothing changed
        std::string id, reply;                     // of a transaction
        std::unique_ptr<net::Message> request;     // with `id`
        std::string text;
        uint64_t bytes = 0;  // of the session's log text, which wait for the disk
    };
    // A transaction whose `wait` does not hold yet.
    struct Waiting {
        ServedDatabase* database;
        SessionId session;
        std::string id;
        json::Value params;
        int64_t started_ms, deadline_ms;
    };
    // A request that is with another server.
    struct Forwarded {
        ServedDatabase* database;
        SessionId session;
        std::string id;
    };

    bool trim_on_compaction_ = false;

    std::string too_many() const;
    void handle(Session& session, net::Message message);
    void handle_request(Session& session, net::Message message, const std::string& id);
    void carry_out(Session& session, net::Message& message, const std::string& id);
    void end_session(SessionId id, const std::string& reason);
    void drop_monitors(Session& session);
    void send(SessionId id, std::string_view text);

    // server_requests.cc: each sends its reply.
    void list_dbs(Session& session, const std::string& id);
    void get_schema(Session& session, ServedDatabase& database, const std::string& id);
    void transact(Session& session, ServedDatabase& database, json::Value params, const std::string& id);
    void cancel(Session& session, const json::Value& params);
    void monitor(Session& session, ServedDatabase& database, MonitorVersion version,
                 const json::Value& params, const std::string& id);
    void monitor_change(Session& session, const json::Value& params, const std::string& id);
    void monitor_cancel(Session& session, const json::Value& params, const std::string& id);
    void lock(Session& session, const std::string& method, const json::Value& params, const std::string& id);
    void set_change_aware(Session& session, const json::Value& params, const std::string& id);
    void convert(Session& session, ServedDatabase& database, const json::Value& params,
                 const std::string& id);
    void notify_lock(const LockTable::Change& change, const std::string& lock);

    RoleAccess access_of(const Session* client, const ServedDatabase& database) const;
    bool execute_transaction(ServedDatabase& database, SessionId session, const json::Value& params,
                             const std::string& id, int64_t started_ms, int64_t* deadline_ms);
    void retry_waiting(const std::vector<ServedDatabase*>& changed);
    // server_commit.cc
    void end_of_turn();
    void release();
    void take_back_lost();
    void compact_where_worth();
    bool may_be_told(const Pending& pending) const;
    void answer(Pending& pending);
    void tell_in_order(SessionId session, std::string text);
    // server_updates.cc
    void tell_monitors(ServedDatabase& database);
    void drop_the_furthest_behind(ServedDatabase& database, size_t rows);
    void send_update(const Monitor& monitor, std::string_view updates, const Uuid& transaction, bool now);
    void send_held_updates();
    void catch_up(Session& session);  // tells it what it has missed
    void catch_up_laggards();
    void check_clients();  // probes, and ends those that do not answer or do not read
    void leave(Monitor& monitor);
    // server_forward.cc
    void forward(Session& session, ServedDatabase& database, std::string method, json::Value params,
                 const std::string& id);
    void forwarded(uint64_t key, const net::Message& reply);
    bool cancel_forwarded(const Session& session, const std::string& id);
    void forget_forwarded(const std::function<bool(const Forwarded&)>& which, bool tell);

    void databases_changed(ServedDatabase* affected);
    void describe_database(Transaction& transaction, ServedDatabase& database);
    void tick();

    net::Loop& loop_;
    std::map<std::string, std::unique_ptr<ServedDatabase>> databases_;
    ServedDatabase* server_database_ = nullptr;  // _Server
    std::map<std::string, Uuid> database_rows_;  // in _Server's Database
    std::map<SessionId, std::unique_ptr<Session>> sessions_;
    std::vector<std::unique_ptr<Session>> ended_;  // destroyed at the end of the turn
    std::set<SessionId> laggards_;                 // of which some monitor is behind
    FanOutPace pace_;
    std::set<SessionId> held_;  // for which there are updates that wait for the next round
    SessionId next_session_ = 1;
    LockTable locks_;
    std::deque<Pending> pending_;
    std::list<Waiting> waiting_;
    std::map<uint64_t, Forwarded> forwarded_;
    uint64_t next_forwarded_ = 1;
    Uuid server_id_ = Uuid::random();
    bool read_only_ = false, conditional_monitors_ = true;
    ServerLimits limits_;
    std::shared_ptr<net::RpcConnection::Budget> unfinished_;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> wait_timer_, tick_timer_, round_timer_;
};

// Text of replies and notifications.  All arguments but `method` are JSON text.
std::string reply_text(std::string_view result, std::string_view id);
std::string error_text(std::string_view error, std::string_view id);
std::string notification_text(std::string_view method, std::string_view params);

}  // namespace weft::ovsdb
