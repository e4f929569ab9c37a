// The database server: databases, and the sessions that use them (RFC 7047, section 4; ovsdb-server(7)).
//
// Requests are executed as they are read.  What they changed is kept at the end of the turn: one sync for all
// of the turn's transactions, then the updates to monitors, then the replies, in the order of the
// transactions (a client hears of its own changes before the reply).  A transaction that could not be kept is
// taken back and its client gets an "I/O error".

#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/json_rpc.h"
#include "net/loop.h"
#include "ovsdb/engine/execute.h"
#include "ovsdb/engine/transaction.h"
#include "ovsdb/server/lock_table.h"
#include "ovsdb/server/served_database.h"
#include "ovsdb/server/session.h"

namespace weft::ovsdb {

class Server {
  public:
    explicit Server(net::Loop& loop);
    ~Server();

    // Databases.  `storage` may be nullptr (in memory).  False if there is one of that name.
    bool add_database(std::unique_ptr<Database> database, std::unique_ptr<Storage> storage);
    bool remove_database(const std::string& name);
    ServedDatabase* find_database(std::string_view name);
    std::vector<std::string> database_names() const;  // with _Server

    SessionId accept(std::unique_ptr<net::Stream> stream, SessionOptions options);
    void close_session(SessionId id);
    void reconnect_all();  // closes every session: clients come back
    const std::map<SessionId, std::unique_ptr<Session>>& sessions() const { return sessions_; }

    // A change by the server itself.
    void change(ServedDatabase& database, const std::function<void(Transaction&)>& edit);
    Result<void> compact(ServedDatabase& database, std::string_view comment);
    // Keeps and sends everything that is pending; the loop does it once a turn.
    void flush();

    // Called after a transaction was kept.
    std::function<void(ServedDatabase&, const ChangeSet&)> on_change;
    std::function<void(Session&)> on_session_end;

    void set_read_only(bool read_only) { read_only_ = read_only; }
    int64_t triggers() const { return static_cast<int64_t>(waiting_.size()); }

  private:
    // A transaction that was executed and is not yet kept, or only its reply.
    struct Pending {
        ServedDatabase* database;
        std::shared_ptr<const ChangeSet> changes;  // nullptr: nothing changed
        SessionId session;                         // 0: the server's own
        std::string id, reply;
    };
    // A transaction whose `wait` does not hold yet.
    struct Waiting {
        ServedDatabase* database;
        SessionId session;
        std::string id;
        json::Value params;
        int64_t started_ms, deadline_ms;
    };

    void handle(Session& session, net::Message message);
    void handle_request(Session& session, net::Message& message, const std::string& id);
    void end_session(SessionId id, const std::string& reason);
    void drop_monitors(Session& session);
    Session* find_session(SessionId id);
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

    bool execute_transaction(ServedDatabase& database, SessionId session, const json::Value& params,
                             const std::string& id, int64_t started_ms, int64_t* deadline_ms);
    void retry_waiting(const std::vector<ServedDatabase*>& changed);
    void take_back(const std::vector<ServedDatabase*>& failed, const std::string& why);
    void send_updates(ServedDatabase& database, const ChangeSet& changes);
    void databases_changed(ServedDatabase* affected);
    void describe_database(Transaction& transaction, ServedDatabase& database);
    void tick();

    net::Loop& loop_;
    std::map<std::string, std::unique_ptr<ServedDatabase>> databases_;
    ServedDatabase* server_database_ = nullptr;  // _Server
    std::map<std::string, Uuid> database_rows_;  // in _Server's Database
    std::map<SessionId, std::unique_ptr<Session>> sessions_;
    std::vector<std::unique_ptr<Session>> ended_;  // destroyed at the end of the turn
    SessionId next_session_ = 1;
    LockTable locks_;
    std::vector<Pending> pending_;
    std::list<Waiting> waiting_;
    Uuid server_id_ = Uuid::random();
    bool read_only_ = false;
    std::unique_ptr<net::Loop::Turn> turn_;
    std::unique_ptr<net::Loop::Timer> wait_timer_, tick_timer_;
};

// Text of replies and notifications.  All arguments but `method` are JSON text.
std::string reply_text(std::string_view result, std::string_view id);
std::string error_text(std::string_view error, std::string_view id);
std::string notification_text(std::string_view method, std::string_view params);

}  // namespace weft::ovsdb
