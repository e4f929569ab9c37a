// Atoms and datums from and to JSON (RFC 7047, section 5.1).
//
// Writing straight to text (append_json) is what the server does per update; the json::Value forms are for
// the rest.  Reading checks types, the constraints of the column and duplicates, and reports the oracle's
// tags
// ("syntax error", "constraint violation", "ovsdb error").

#pragma once

#include <string>

#include "json/value.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/error.h"
#include "ovsdb/data/symbol_table.h"
#include "ovsdb/data/type.h"

namespace weft::ovsdb {

void append_json(std::string& out, const AtomView& atom);
void append_json(std::string& out, const Datum& datum);  // one element without wrapping, ["set",…], ["map",…]
json::Value to_json(const AtomView& atom);
json::Value to_json(const Datum& datum);

// `symbols` may be nullptr: named UUIDs are then refused.
DbResult<Atom> atom_from_json(const BaseType& type, const json::Value& json, SymbolTable* symbols = nullptr);
DbResult<Datum> datum_from_json(const ColumnType& type, const json::Value& json,
                                SymbolTable* symbols = nullptr);
// Without the limits on the number of elements: what conditions and diffs hold.
DbResult<Datum> datum_from_json_unsized(const ColumnType& type, const json::Value& json,
                                        SymbolTable* symbols = nullptr);

}  // namespace weft::ovsdb
