// A server's TLS settings, each of which may be "db:DB,TABLE,COLUMN": then it is what that column says now
// (ovsdb-server(1), "Public Key Infrastructure Options").

#pragma once

#include <array>
#include <set>
#include <string>

#include "net/stream.h"
#include "ovsdb/server/column_name.h"

namespace weft::ovsdb {

class TlsColumns {
  public:
    TlsColumns(Server& server, net::TlsConfig given) : server_(server), given_(std::move(given)) {}

    // Puts the settings in force.  The error names every column that cannot be read; its setting is then
    // empty.
    Result<void> apply();
    // `changes` may concern one of the columns.
    bool concerns(const ServedDatabase& database, const ChangeSet& changes) const;

  private:
    static std::array<std::string*, 7> settings(net::TlsConfig& config);

    Server& server_;
    net::TlsConfig given_, applied_;
    std::set<std::pair<std::string, std::string>> tables_;  // database and table of each column
};

}  // namespace weft::ovsdb
