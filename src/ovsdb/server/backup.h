// The backup side of an active-backup pair (ovsdb(7), "Active-Backup Database Service Model";
// ovsdb-server(1), "Active-Backup Commands"): while it is a backup, the server copies its databases from the
// active server, and lets nobody else write.
//
// Contents are compared, not thrown away: after connecting, what differs becomes one transaction.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "ovsdb/server/server.h"
#include "ovsdb/server/source.h"

namespace weft::ovsdb {

class Backup {
  public:
    Backup(net::Loop& loop, Server& server) : loop_(loop), server_(server) {}

    // Counts from the next connect() on.  "": none.
    Result<void> set_active_server(std::string remote);
    const std::string& active_server() const { return active_server_; }
    Result<void> set_probe_interval(std::string_view ms);
    // "DB:TABLE,DB:TABLE"; "" for none.  Tables that are not copied, and stay as they are.
    Result<void> set_excluded(std::string_view text);
    std::string excluded() const;

    bool connected() const { return is_backup_; }
    void connect();              // to the active server: we are the backup
    void disconnect();           // we are the active one
    std::string status() const;  // of sync-status

    // To be told of every change of the server, and of its databases.
    void on_change(ServedDatabase& database, const ChangeSet& changes);
    void on_taken_back(ServedDatabase& database);
    void databases_changed();

  private:
    struct Copy {
        std::unique_ptr<Source> source;
        std::set<const TableSchema*> followed;
    };

    void start(ServedDatabase& database);
    Result<Source::Wanted> schema_received(Copy& copy, ServedDatabase& database, const json::Value& json);

    net::Loop& loop_;
    Server& server_;
    std::string active_server_;
    int64_t probe_interval_ms_ = 60000;
    std::set<std::pair<std::string, std::string>> excluded_;  // database and table
    bool is_backup_ = false;
    std::map<std::string, std::unique_ptr<Copy>> copies_;  // by database
};

}  // namespace weft::ovsdb
