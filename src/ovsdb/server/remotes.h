// Where clients come from: the remotes that a server listens on or connects to.
//
// `punix: ptcp: pssl:` listen, `unix: tcp: ssl:` connect and keep connecting, `db:DB,TABLE,COLUMN` names a
// column that holds such names, or references to rows with a "target" column (ovsdb-server(1)); those are
// followed as the database changes, and the rows' is_connected and status columns are kept.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

// "db:DB,TABLE,COLUMN"
struct ColumnName {
    std::string database, table, column;
};
Result<ColumnName> parse_column_name(std::string_view text);
// The string that such a column holds in its table's first row ("" if there is none): how TLS settings are
// kept.
Result<std::string> read_string_column(Server& server, const ColumnName& name);

class Remotes {
  public:
    Remotes(net::Loop& loop, Server& server);
    ~Remotes();

    // Listens or begins to connect at once, db: remotes with the next update().
    Result<void> add(const std::string& remote);
    bool remove(const std::string& remote);
    const std::set<std::string>& configured() const { return configured_; }
    // Brings everything in line with the databases.  Errors of db: remotes are logged.
    void update();
    // `changes` may concern a db: remote.
    void on_change(ServedDatabase& database, const ChangeSet& changes);
    void on_session_end(const Session& session);

  private:
    struct Target {
        std::string name;
        SessionOptions options;
        std::unique_ptr<net::Listener> listener;
        std::unique_ptr<net::Loop::Timer> retry;  // of active ones
        int64_t backoff_ms = 1000, max_backoff_ms = 8000;
        bool refused = false;  // could not listen; said once
        std::set<SessionId> sessions;
        int64_t since_ms = 0;  // of the last connection made or lost
        // The row that describes it.
        ServedDatabase* database = nullptr;
        const TableSchema* table = nullptr;
        Uuid row;
    };
    using Wanted = std::map<std::string, Target>;

    void collect(const std::string& remote, Wanted& wanted);
    void collect_column(const ColumnName& name, Wanted& wanted);
    void collect_row(ServedDatabase& database, const Table& table, const Row& row, Wanted& wanted);
    Result<void> open(Target& target);
    void connect(Target& target);
    void accept(Target& target, std::unique_ptr<net::Stream> stream);
    void close(Target& target);
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
