#include "ovsdb/data/mutation.h"

#include <fmt/format.h>

#include <cmath>

#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

constexpr const char* kNames[] = {"+=", "-=", "*=", "/=", "%=", "insert", "delete"};

const char* name_of(Mutator mutator) {
    return kNames[static_cast<size_t>(mutator)];
}

bool applies_to(Mutator mutator, const ColumnType& type) {
    switch (mutator) {
        case Mutator::kInsert:
        case Mutator::kDelete:
            return type.max > 1 || type.min == 0;
        case Mutator::kModulo:
            return !type.is_map() && type.key.type == AtomType::kInteger;
        default:
            return !type.is_map() &&
                   (type.key.type == AtomType::kInteger || type.key.type == AtomType::kReal);
    }
}

DbError out_of_range(Mutator mutator) {
    return DbError("range error",
                   fmt::format("Result of \"{}\" operation is out of range.", name_of(mutator)));
}

DbResult<int64_t> calculate(Mutator mutator, int64_t x, int64_t y) {
    int64_t out = 0;
    bool overflow = false;
    switch (mutator) {
        case Mutator::kAdd:
            overflow = __builtin_add_overflow(x, y, &out);
            break;
        case Mutator::kSubtract:
            overflow = __builtin_sub_overflow(x, y, &out);
            break;
        case Mutator::kMultiply:
            overflow = __builtin_mul_overflow(x, y, &out);
            break;
        default:
            if (y == 0) return DbError("domain error", "Division by zero.");
            if (y == -1) {
                if (mutator == Mutator::kModulo) return int64_t{0};
                overflow = __builtin_sub_overflow(int64_t{0}, x, &out);
            } else {
                out = mutator == Mutator::kDivide ? x / y : x % y;
            }
    }
    if (overflow) return out_of_range(mutator);
    return out;
}

DbResult<double> calculate(Mutator mutator, double x, double y) {
    double out = 0;
    switch (mutator) {
        case Mutator::kAdd:
            out = x + y;
            break;
        case Mutator::kSubtract:
            out = x - y;
            break;
        case Mutator::kMultiply:
            out = x * y;
            break;
        default:
            if (y == 0) return DbError("domain error", "Division by zero.");
            out = x / y;
    }
    if (!std::isfinite(out)) return out_of_range(mutator);
    return out;
}

DbResult<Datum> arithmetic(const Mutation& mutation, const Datum& old_value) {
    const BaseType& base = mutation.column->type.key;
    DatumBuilder builder(base.type);
    builder.reserve(old_value.size());
    for (uint32_t i = 0; i < old_value.size(); ++i) {
        AtomView atom;
        if (base.type == AtomType::kInteger) {
            auto number =
                calculate(mutation.mutator, old_value.key(i).integer(), mutation.argument.integer());
            if (!number) return number.error();
            atom = *number;
        } else {
            auto number = calculate(mutation.mutator, old_value.key(i).real(), mutation.argument.real());
            if (!number) return number.error();
            atom = *number;
        }
        if (auto checked = base.check(atom); !checked) return checked.error();
        builder.add(atom);
    }
    uint32_t duplicates;
    Datum result = builder.finish(&duplicates);
    if (duplicates) {
        return DbError("constraint violation", fmt::format("Result of \"{}\" operation contains duplicates.",
                                                           name_of(mutation.mutator)));
    }
    return result;
}

// What the right-hand side may be.
DbResult<Datum> parse_argument(const ColumnSchema& column, Mutator mutator, const json::Value& json,
                               SymbolTable* symbols) {
    ColumnType type = column.type;
    if (mutator != Mutator::kInsert && mutator != Mutator::kDelete) {
        type = ColumnType{.key = {.type = column.type.key.type}};
        return datum_from_json(type, json, symbols);
    }
    type.min = 0;
    if (mutator == Mutator::kDelete) {
        type.max = ColumnType::kUnlimited;
        if (type.is_map()) {
            // Pairs, or else the set of the keys to go.
            auto pairs = datum_from_json(type, json, symbols);
            if (pairs) return pairs;
            type.value = BaseType{};
        }
    }
    return datum_from_json(type, json, symbols);
}

}  // namespace

DbResult<Datum> Mutation::apply(const Datum& old_value) const {
    if (mutator != Mutator::kInsert && mutator != Mutator::kDelete) return arithmetic(*this, old_value);
    Datum result =
        mutator == Mutator::kInsert ? set_union(old_value, argument) : set_subtract(old_value, argument);
    const ColumnType& type = column->type;
    if (result.size() < type.min || result.size() > type.max) {
        return DbError("constraint violation", fmt::format("Attempted to store {} elements in {}.",
                                                           result.size(), type.to_english()));
    }
    return result;
}

DbResult<Mutation> Mutation::from_json(const TableSchema& table, const json::Value& json,
                                       SymbolTable* symbols) {
    const json::Array* triple = json.as_array();
    if (!triple || triple->size() != 3 || !(*triple)[0].is_string() || !(*triple)[1].is_string()) {
        return syntax_error(json, "Parse error in mutation.");
    }
    Mutation mutation;
    const std::string& name = *(*triple)[0].as_string();
    mutation.column = table.find_column(name);
    if (!mutation.column) {
        DbError error = syntax_error(json, fmt::format("No column {} in table {}.", name, table.name));
        return DbError("unknown column", error.details, error.syntax);
    }
    if (!mutation.column->is_mutable) {
        DbError error = syntax_error(
            json, fmt::format("Cannot mutate immutable column {} in table {}.", name, table.name));
        return DbError("constraint violation", error.details, error.syntax);
    }
    const std::string& mutator = *(*triple)[1].as_string();
    bool known = false;
    for (size_t i = 0; i < std::size(kNames); ++i) {
        if (mutator != kNames[i]) continue;
        mutation.mutator = static_cast<Mutator>(i);
        known = true;
    }
    if (!known) return DbError("unknown mutator", fmt::format("No mutator named {}.", mutator));
    if (!applies_to(mutation.mutator, mutation.column->type)) {
        return syntax_error(
            json, fmt::format("Type mismatch: \"{}\" operator may not be applied to column {} of type {}.",
                              mutator, name, mutation.column->type.to_english()));
    }
    auto argument = parse_argument(*mutation.column, mutation.mutator, (*triple)[2], symbols);
    if (!argument) return argument.error();
    mutation.argument = *std::move(argument);
    return mutation;
}

DbResult<std::vector<Mutation>> Mutation::list_from_json(const TableSchema& table, const json::Value& json,
                                                         SymbolTable* symbols) {
    const json::Array* array = json.as_array();
    if (!array) return syntax_error(json, "array expected");
    std::vector<Mutation> mutations;
    mutations.reserve(array->size());
    for (const json::Value& element : *array) {
        auto mutation = from_json(table, element, symbols);
        if (!mutation) return mutation.error();
        mutations.push_back(*std::move(mutation));
    }
    return mutations;
}

}  // namespace weft::ovsdb
