#include "cli/ctl/expression.h"

#include <fmt/format.h>

#include "cli/ctl/scratch.h"
#include "ovsdb/data/datum_text.h"
#include "ovsdb/data/set_ops.h"

namespace weft::cli {
namespace {

struct OperatorText {
    std::string_view text;
    Operator op;
};

// In the order in which the error message lists them.
constexpr OperatorText kOperators[] = {
    {"=", Operator::kEqual},          {"!=", Operator::kNotEqual},
    {"<", Operator::kLess},           {">", Operator::kGreater},
    {"<=", Operator::kLessEqual},     {">=", Operator::kGreaterEqual},
    {"{=}", Operator::kSetEqual},     {"{!=}", Operator::kSetNotEqual},
    {"{<}", Operator::kProperSubset}, {"{>}", Operator::kProperSuperset},
    {"{<=}", Operator::kSubset},      {"{>=}", Operator::kSuperset},
    {"{in}", Operator::kIn},          {"{not-in}", Operator::kNotIn},
};

// The longest operator that `rest` begins with; "" if there is none.
OperatorText take_operator(std::string_view& rest, bool conditions) {
    OperatorText best{"", Operator::kEqual};
    for (const OperatorText& each : kOperators) {
        if (!conditions && each.op != Operator::kEqual) continue;
        if (rest.starts_with(each.text) && each.text.size() > best.text.size()) best = each;
    }
    rest.remove_prefix(best.text.size());
    return best;
}

std::string no_operator(std::string_view text, bool conditions) {
    if (!conditions) return fmt::format("{}: argument does not end in \"=\" followed by a value.", text);
    std::string list;
    for (size_t i = 0; i < std::size(kOperators); i++) {
        if (i) list += i + 1 < std::size(kOperators) ? ", " : ", or ";
        list += fmt::format("\"{}\"", kOperators[i].text);
    }
    return fmt::format("{}: argument does not end in {} followed by a value.", text, list);
}

bool is_set_operator(Operator op) {
    return op >= Operator::kSetEqual;
}

bool holds(Operator op, const ovsdb::Datum& a, const ovsdb::Datum& b) {
    switch (op) {
        case Operator::kEqual:
        case Operator::kSetEqual:
            return a == b;
        case Operator::kNotEqual:
        case Operator::kSetNotEqual:
            return !(a == b);
        case Operator::kLess:
            return a.compare(b) < 0;
        case Operator::kGreater:
            return a.compare(b) > 0;
        case Operator::kLessEqual:
            return a.compare(b) <= 0;
        case Operator::kGreaterEqual:
            return a.compare(b) >= 0;
        case Operator::kProperSubset:
            return a.size() < b.size() && ovsdb::includes_all(b, a);
        case Operator::kProperSuperset:
            return a.size() > b.size() && ovsdb::includes_all(a, b);
        case Operator::kSubset:
        case Operator::kIn:
            return ovsdb::includes_all(b, a);
        case Operator::kSuperset:
            return ovsdb::includes_all(a, b);
        case Operator::kNotIn:
            return ovsdb::excludes_all(b, a);
    }
    return false;
}

}  // namespace

Result<ColumnExpression> parse_expression(const db::DatabaseInfo& database, const db::TableInfo& table,
                                          std::string_view text, bool with_value, bool conditions,
                                          bool with_uuid) {
    std::string_view rest = text;
    WEFT_ASSIGN(std::string name, ovsdb::take_token(rest));
    if (name.empty()) return Error{fmt::format("{}: missing column name", text)};
    ColumnExpression out;
    WEFT_ASSIGN(out.column, find_column(database, table, name, with_uuid));
    if (rest.starts_with(":")) {
        rest.remove_prefix(1);
        WEFT_ASSIGN(out.key, ovsdb::take_token(rest));
        if (out.key->empty()) return Error{fmt::format("{}: missing key following \":\"", text)};
    }
    if (with_value) {
        OperatorText op = take_operator(rest, conditions);
        if (op.text.empty() || rest.empty()) return Error{no_operator(text, conditions)};
        out.op = op.op;
        out.value = std::string(rest);
    } else if (!rest.empty()) {
        return Error{fmt::format("{}: trailing garbage \"{}\" in argument", text, rest)};
    }
    return out;
}

Result<bool> is_satisfied(CtlContext& context, const db::TableInfo& table, const void* row,
                          std::string_view text) {
    WEFT_ASSIGN(ColumnExpression expression, parse_expression(context.database(), table, text, true, true));
    const ovsdb::ColumnType& type = expression.column.type();
    ovsdb::Datum have = expression.column.value(row);
    ovsdb::SymbolTable* symbols = &context.session().symbols;
    if (!expression.key) {
        WEFT_ASSIGN(ovsdb::Datum want, ovsdb::parse_datum_text(type, expression.value, symbols));
        return holds(expression.op, have, want);
    }
    if (!type.is_map()) {
        return Error{
            fmt::format("cannot specify key to check for non-map column {}", expression.column.name())};
    }
    WEFT_ASSIGN(ovsdb::Atom key, ovsdb::parse_atom_text(type.key, *expression.key, symbols));
    uint32_t at = have.find(key.view());
    ovsdb::ColumnType value_type;
    value_type.key = type.value;
    value_type.min = 0;
    value_type.max = ovsdb::ColumnType::kUnlimited;
    WEFT_ASSIGN(ovsdb::Datum want, ovsdb::parse_datum_text(value_type, expression.value, symbols));
    if (at == ovsdb::Datum::kNone) {
        if (!is_set_operator(expression.op)) return false;
        return holds(expression.op, ovsdb::Datum::empty_set(type.value.type), want);
    }
    return holds(expression.op, ovsdb::Datum::of(have.value(at)), want);
}

std::vector<const void*> rows_perhaps_satisfying(CtlContext& context, const db::TableInfo& table,
                                                 std::string_view text) {
    db::Transaction& txn = context.transaction();
    Result<ColumnExpression> expression = parse_expression(context.database(), table, text, true, true);
    // What is wrong with it is for is_satisfied() to say.
    if (!expression || expression->op != Operator::kEqual) return txn.rows(table);
    const db::ColumnInfo& column = *expression->column.info;
    const ovsdb::ColumnType& type = expression->column.type();
    ovsdb::SymbolTable* symbols = &context.session().symbols;
    if (!expression->key) {
        Result<ovsdb::Datum> want = ovsdb::parse_datum_text(type, expression->value, symbols);
        if (!want) return txn.rows(table);
        return txn.rows_equal(table, column.index, Scratch(table, column, *want).field());
    }
    if (!type.is_map()) return txn.rows(table);
    Result<ovsdb::Atom> key = ovsdb::parse_atom_text(type.key, *expression->key, symbols);
    Result<ovsdb::Atom> value = ovsdb::parse_atom_text(type.value, expression->value, symbols);
    if (!key || !value) return txn.rows(table);
    ovsdb::DatumBuilder pair(type.key.type, type.value.type);
    pair.add(key->view(), value->view());
    return txn.rows_perhaps_including(table, column.index, Scratch(table, column, pair.finish()).field());
}

}  // namespace weft::cli
