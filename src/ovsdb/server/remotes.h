// Where clients come from: the remotes that a server listens on or connects to.
//
// `punix: ptcp: pssl:` listen, `unix: tcp: ssl:` connect and keep connecting, `db:DB,TABLE,COLUMN` names a
// column that holds such names, or references to rows with a "target" column (ovsdb-server(1)); those are
// followed as the database changes, and the rows' is_connected and status columns are kept (ovn-sb(5),
// Connection; ovs-vswitchd.conf.db(5), Manager).
//
// What cannot be listened on is logged and tried again: an address may come later.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "net/connector.h"
#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/server/column_name.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

class Remotes {
  public:
    Remotes(net::Loop& loop, Server& server);
    ~Remotes();

    // Listens or begins to connect at once, db: remotes with the next update().  An error is one of the name.
    Result<void> add(const std::string& remote);
    bool remove(const std::string& remote);
    const std::set<std::string>& configured() const { return configured_; }
    // Brings everything in line with the databases.  Errors of db: remotes are logged.
    void update();
    // `changes` may concern a db: remote.
    void on_change(ServedDatabase& database, const ChangeSet& changes);
    void on_session_end(const Session& session, const std::string& reason);

  private:
    struct Target {
        std::string name;
        SessionOptions options;
        int64_t max_backoff_ms = 8000;
        std::unique_ptr<net::Listener> listener;    // of passive ones
        std::unique_ptr<net::Connector> connector;  // of active ones
        bool refused = false;                       // could not listen; said once
        std::set<SessionId> sessions;
        // clock::monotonic_ms() of the last of each
        std::optional<int64_t> connected_ms, disconnected_ms;
        int64_t received_ms = 0;  // when the session that ended last was heard last
        // The row that describes it.
        ServedDatabase* database = nullptr;
        const TableSchema* table = nullptr;
        Uuid row;
    };
    using Wanted = std::map<std::string, Target>;

    void collect(const std::string& remote, Wanted& wanted);
    void collect_column(const ColumnName& name, Wanted& wanted);
    void collect_row(ServedDatabase& database, const Table& table, const Row& row, Wanted& wanted);
    void open(Target& target);
    void dial(Target& target);
    SessionId accept(Target& target, std::unique_ptr<net::Stream> stream);
    void close(Target& target);

    // remote_status.cc
    void write_status();
    std::map<std::string, std::string> status_of(const Target& target) const;

    net::Loop& loop_;
    Server& server_;
    std::set<std::string> configured_;
    std::map<std::string, std::unique_ptr<Target>> targets_;
    std::set<const TableSchema*> watched_;  // tables whose changes call for update()
    std::unique_ptr<net::Loop::Timer> status_timer_, update_timer_;
    bool closing_ = false;
};

}  // namespace weft::ovsdb
