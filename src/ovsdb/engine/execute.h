// The operations of a "transact" request (RFC 7047, section 5.2, with ovsdb-server(7)'s extensions), run on a
// database.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "ovsdb/data/symbol_table.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/engine/database.h"
#include "ovsdb/engine/role_access.h"

namespace weft::ovsdb {

// What the operations may ask about whoever sent them.
struct ExecuteContext {
    std::function<bool(std::string_view lock)> holds_lock;  // for `assert`
    int64_t elapsed_ms = 0;                                 // since the request arrived: for `wait`
    std::string read_only;  // why everything that writes is refused: "when …", "on …"; "": it is not
    const RoleAccess* access = nullptr;  // what the client's role allows; nullptr: everything
    bool rehearse = false;  // change nothing, and take every `wait` as fulfilled: would it be allowed?
};

struct ExecuteResult {
    // A `wait` did not hold yet: try again after the database changed or after this many ms (since the
    // request arrived; INT64_MAX: no limit).  Nothing else is set then.
    bool waiting = false;
    int64_t timeout_ms = 0;

    std::string reply;  // JSON text: the array of results, to be the "result" of the reply
    bool failed = false;
    ChangeSet changes;  // already applied to the database
};

// `operations` is "params" from `first` on.
ExecuteResult execute(Database& database, const json::Array& operations, size_t first,
                      const ExecuteContext& context);

// A row of a request: {column: value, …}.  `set(column, datum)` is called per member.
DbResult<void> parse_row(const TableSchema& table, const json::Value& json, SymbolTable* symbols,
                         const std::function<void(const ColumnSchema&, Datum)>& set);

}  // namespace weft::ovsdb
