// "db:DB,TABLE,COLUMN": settings that a server reads from its own databases (ovsdb-server(1), "--remote" and
// "Public Key Infrastructure Options").

#pragma once

#include <string>
#include <string_view>

#include "ovsdb/data/schema.h"
#include "ovsdb/engine/table.h"
#include "ovsdb/server/served_database.h"

namespace weft::ovsdb {

class Server;

struct ColumnName {
    std::string database, table, column;

    static Result<ColumnName> parse(std::string_view text);
    std::string text() const;  // with "db:"
};

struct FoundColumn {
    ServedDatabase* database;
    Table* table;
    const ColumnSchema* column;
};

// The error says what there is not: "\"db:rb,Zork,name\": no table named Zork".
Result<FoundColumn> find_column(Server& server, const ColumnName& name);
// The name's database is a relay's copy that has not heard from its source yet: which tables it has is not
// known.
bool awaits_schema(Server& server, const ColumnName& name);
// The first string that is not empty, of all rows; "" if there is none, or none is known yet.
Result<std::string> read_string_column(Server& server, const ColumnName& name);

}  // namespace weft::ovsdb
