#include "ovsdb/data/condition.h"

#include <fmt/format.h>

#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

struct FunctionName {
    Function function;
    const char* name;
};

constexpr FunctionName kFunctions[] = {
    {Function::kLess, "<"},
    {Function::kLessEqual, "<="},
    {Function::kEqual, "=="},
    {Function::kNotEqual, "!="},
    {Function::kGreaterEqual, ">="},
    {Function::kGreater, ">"},
    {Function::kIncludes, "includes"},
    {Function::kExcludes, "excludes"},
};

const char* name_of(Function function) {
    for (const FunctionName& entry : kFunctions) {
        if (entry.function == function) return entry.name;
    }
    return "";
}

bool is_ordering(Function function) {
    return function == Function::kLess || function == Function::kLessEqual ||
           function == Function::kGreater || function == Function::kGreaterEqual;
}

bool allows_ordering(const ColumnType& type) {
    return (type.key.type == AtomType::kInteger || type.key.type == AtomType::kReal) && !type.is_map() &&
           type.max == 1;
}

// The type of the argument: with includes and excludes any number of elements up to the column's limit, and
// for ordering exactly one.
ColumnType argument_type(const ColumnType& column, Function function) {
    ColumnType type = column;
    if (is_ordering(function)) type.min = 1;
    if ((function == Function::kIncludes || function == Function::kExcludes) && !column.is_scalar()) {
        type.min = 0;
        if (function == Function::kExcludes || column.is_map()) type.max = ColumnType::kUnlimited;
    }
    return type;
}

}  // namespace

bool Clause::holds(const Datum& value) const {
    switch (function) {
        case Function::kFalse:
            return false;
        case Function::kTrue:
            return true;
        case Function::kEqual:
            return value == argument;
        case Function::kNotEqual:
            return !(value == argument);
        case Function::kIncludes:
            return includes_all(value, argument);
        case Function::kExcludes:
            return excludes_all(value, argument);
        default:
            break;
    }
    if (value.size() != 1 || argument.size() != 1) return false;
    int order = value.key(0).compare(argument.key(0));
    switch (function) {
        case Function::kLess:
            return order < 0;
        case Function::kLessEqual:
            return order <= 0;
        case Function::kGreater:
            return order > 0;
        default:
            return order >= 0;
    }
}

json::Value Clause::to_json() const {
    if (function == Function::kFalse) return false;
    if (function == Function::kTrue) return true;
    json::Array triple;
    triple.emplace_back(column->name);
    triple.emplace_back(name_of(function));
    triple.push_back(ovsdb::to_json(argument));
    return triple;
}

DbResult<Clause> Clause::from_json(const TableSchema& table, const json::Value& json, SymbolTable* symbols) {
    Clause clause;
    if (const bool* constant = json.as_bool()) {
        clause.function = *constant ? Function::kTrue : Function::kFalse;
        return clause;
    }
    const json::Array* triple = json.as_array();
    if (!triple || triple->size() != 3 || !(*triple)[0].is_string() || !(*triple)[1].is_string()) {
        return syntax_error(json, "Parse error in condition.");
    }
    const std::string& name = *(*triple)[0].as_string();
    clause.column = table.find_column(name);
    if (!clause.column) {
        DbError error = syntax_error(json, fmt::format("No column {} in table {}.", name, table.name));
        return DbError("unknown column", error.details, error.syntax);
    }
    const std::string& function = *(*triple)[1].as_string();
    for (const FunctionName& entry : kFunctions) {
        if (function == entry.name) clause.function = entry.function;
    }
    if (clause.function == Function::kTrue) {
        return DbError("unknown function", fmt::format("No function named {}.", function));
    }
    const ColumnType& type = clause.column->type;
    if (is_ordering(clause.function) && !allows_ordering(type)) {
        return syntax_error(
            json, fmt::format("Type mismatch: \"{}\" operator may not be applied to column {} of type {}.",
                              function, name, type.to_english()));
    }
    auto argument = datum_from_json(argument_type(type, clause.function), (*triple)[2], symbols);
    if (!argument) return argument.error();
    clause.argument = *std::move(argument);
    return clause;
}

json::Value Condition::to_json() const {
    json::Array array;
    for (const Clause& clause : clauses) array.push_back(clause.to_json());
    return array;
}

DbResult<Condition> Condition::from_json(const TableSchema& table, const json::Value& json,
                                         SymbolTable* symbols) {
    const json::Array* array = json.as_array();
    if (!array) return syntax_error(json, "array expected");
    Condition condition;
    condition.clauses.reserve(array->size());
    for (const json::Value& element : *array) {
        auto clause = Clause::from_json(table, element, symbols);
        if (!clause) return clause.error();
        condition.clauses.push_back(*std::move(clause));
    }
    return condition;
}

}  // namespace weft::ovsdb
