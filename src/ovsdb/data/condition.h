// Conditions on columns (RFC 7047, section 5.1, <condition>, with ovsdb-server(7)'s extensions: a boolean
// instead of a triple, and the ordering operators on optional numbers).
//
// A Condition is a list of clauses; transactions want all of them to hold, monitors any.

#pragma once

#include <vector>

#include "json/value.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/error.h"
#include "ovsdb/data/schema.h"
#include "ovsdb/data/symbol_table.h"

namespace weft::ovsdb {

enum class Function : uint8_t {
    kFalse,
    kTrue,
    kLess,
    kLessEqual,
    kEqual,
    kNotEqual,
    kGreaterEqual,
    kGreater,
    kIncludes,
    kExcludes
};

struct Clause {
    Function function = Function::kTrue;
    const ColumnSchema* column = nullptr;  // nullptr with kFalse and kTrue
    Datum argument;

    bool holds(const Datum& value) const;  // of `column`; not for kFalse, kTrue
    bool operator==(const Clause& other) const = default;
    json::Value to_json() const;
    static DbResult<Clause> from_json(const TableSchema& table, const json::Value& json,
                                      SymbolTable* symbols);
};

struct Condition {
    std::vector<Clause> clauses;

    bool operator==(const Condition& other) const = default;
    json::Value to_json() const;
    static DbResult<Condition> from_json(const TableSchema& table, const json::Value& json,
                                         SymbolTable* symbols = nullptr);

    // `column_value(const ColumnSchema&)` gives the row's datum.  No clause: holds.
    template <typename Row>
    bool all_hold(const Row& column_value) const {
        for (const Clause& clause : clauses) {
            if (clause.function == Function::kFalse) return false;
            if (clause.function != Function::kTrue && !clause.holds(column_value(*clause.column)))
                return false;
        }
        return true;
    }
    template <typename Row>
    bool any_holds(const Row& column_value) const {
        for (const Clause& clause : clauses) {
            if (clause.function == Function::kTrue) return true;
            if (clause.function != Function::kFalse && clause.holds(column_value(*clause.column)))
                return true;
        }
        return clauses.empty();
    }
};

}  // namespace weft::ovsdb
