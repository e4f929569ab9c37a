// What another server says happened to a database, as a change of our copy of it (RFC 7047, 4.1.5 and 4.1.6;
// ovsdb-server(7), 4.1.12 to 4.1.16).
//
// Nothing of it is checked against the copy's constraints and references: the other server has done that, and
// a copy without some of the tables may well refer to rows that it has not got.

#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "json/value.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

enum class SourceFormat { kV1, kV2 };  // <table-updates> of "update", <table-updates2>

struct SourceUpdate {
    SourceFormat format = SourceFormat::kV2;
    // The contents as a whole: rows that are not mentioned are gone.
    bool replace = false;
};

// `followed`: the tables that are copied; others stay as they are.  The change is not made, and its id is not
// set.  An error says what cannot be: then only all of the contents can help.
Result<ChangeSet> changes_of(Database& database, const std::set<const TableSchema*>& followed,
                             const json::Value& updates, SourceUpdate how);

}  // namespace weft::ovsdb
