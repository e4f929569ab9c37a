// Log lines about what transactions do to tables that an operator watches (ovsdb-server(1),
// ovsdb-server/tlog-set).

#pragma once

#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "ovsdb/server/server.h"

namespace weft::ovsdb {

class TransactionLog {
  public:
    // `where`: "DB:TABLE"; `state`: "on" or "off".
    Result<void> set(Server& server, const std::string& where, const std::string& state);
    // All tables of all databases, and whether they are watched.
    std::string list(Server& server) const;
    // At INFO, a line for each row of the tables that are watched; rate-limited.
    void write(const ServedDatabase& database, const ChangeSet& changes) const;
    void forget(const std::string& database) { watched_.erase(database); }

  private:
    std::map<std::string, std::set<std::string>> watched_;  // tables by database
};

}  // namespace weft::ovsdb
