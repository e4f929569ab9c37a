// Mutations of columns (RFC 7047, section 5.1, <mutation>).

#pragma once

#include <vector>

#include "json/value.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/error.h"
#include "ovsdb/data/schema.h"
#include "ovsdb/data/symbol_table.h"

namespace weft::ovsdb {

enum class Mutator : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kModulo, kInsert, kDelete };

struct Mutation {
    Mutator mutator = Mutator::kInsert;
    const ColumnSchema* column = nullptr;
    Datum argument;

    // "domain error" for division by zero, "range error" for overflow, "constraint violation" for the
    // column's constraints.
    DbResult<Datum> apply(const Datum& old_value) const;

    static DbResult<Mutation> from_json(const TableSchema& table, const json::Value& json,
                                        SymbolTable* symbols);
    static DbResult<std::vector<Mutation>> list_from_json(const TableSchema& table, const json::Value& json,
                                                          SymbolTable* symbols = nullptr);
};

}  // namespace weft::ovsdb
