// What the database commands take as words: COLUMN[:KEY], COLUMN[:KEY]=VALUE and the conditions of `find`.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/ctl/records.h"

namespace weft::cli {

enum class Operator {
    kEqual,
    kNotEqual,
    kLess,
    kGreater,
    kLessEqual,
    kGreaterEqual,
    kSetEqual,
    kSetNotEqual,
    kProperSubset,
    kProperSuperset,
    kSubset,
    kSuperset,
    kIn,
    kNotIn
};

struct ColumnExpression {
    NamedColumn column;
    std::optional<std::string> key;  // as typed
    Operator op = Operator::kEqual;
    std::string value;  // as typed
};

// `with_value`: an operator and a value follow; `conditions`: any operator, else only "=".
Result<ColumnExpression> parse_expression(const db::DatabaseInfo& database, const db::TableInfo& table,
                                          std::string_view text, bool with_value, bool conditions,
                                          bool with_uuid = false);

// All rows that satisfy it, others beside them: what has to be looked at.
std::vector<const void*> rows_perhaps_satisfying(CtlContext& context, const db::TableInfo& table,
                                                 std::string_view text);

// Whether the row satisfies COLUMN[:KEY]OP VALUE.
Result<bool> is_satisfied(CtlContext& context, const db::TableInfo& table, const void* row,
                          std::string_view text);

}  // namespace weft::cli
