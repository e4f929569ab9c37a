#include "cli/ctl/assignment.h"

#include <fmt/format.h>

#include "cli/ctl/expression.h"
#include "cli/ctl/records.h"
#include "cli/ctl/scratch.h"
#include "ovsdb/data/datum_text.h"

namespace weft::cli {

Result<void> need_assignment(CtlContext& context, const db::TableInfo& table, std::string_view text,
                             bool of_existing_row) {
    WEFT_ASSIGN(ColumnExpression expression, parse_expression(context.database(), table, text, true, false));
    const NamedColumn& column = expression.column;
    if (of_existing_row && !column.schema->is_mutable) {
        return Error{fmt::format("cannot modify read-only column {} in table {}", column.name(), table.name)};
    }
    db::ColumnSet set;
    set.add(column.info->index);
    context.replica().monitor(table, set);
    return {};
}

size_t first_setting(const CtlContext& context, size_t from) {
    size_t i = from;
    while (i < context.size() && context.arguments[i].find('=') == std::string::npos) i++;
    return i;
}

Result<void> assign(CtlContext& context, const db::TableInfo& table, const Uuid& uuid,
                    std::string_view text) {
    WEFT_ASSIGN(ColumnExpression expression, parse_expression(context.database(), table, text, true, false));
    const NamedColumn& column = expression.column;
    ovsdb::SymbolTable* symbols = &context.session().symbols;
    if (!expression.key) {
        WEFT_ASSIGN(ovsdb::Datum value, ovsdb::parse_datum_text(column.type(), expression.value, symbols));
        write_datum(context.transaction(), table, uuid, *column.info, value);
        return {};
    }
    if (!column.type().is_map()) {
        return Error{fmt::format("cannot specify key to set for non-map column {}", column.name())};
    }
    WEFT_ASSIGN(ovsdb::Atom key, ovsdb::parse_atom_text(column.type().key, *expression.key, symbols));
    WEFT_ASSIGN(ovsdb::Atom value, ovsdb::parse_atom_text(column.type().value, expression.value, symbols));
    const void* row = context.transaction().row(table, uuid);
    ovsdb::Datum now = column.value(row);
    uint32_t at = now.find(key.view());
    if (at != ovsdb::Datum::kNone && now.value(at) == value.view()) return {};
    ovsdb::DatumBuilder builder(column.type().key.type, column.type().value.type);
    builder.add(key.view(), value.view());
    Scratch scratch(table, *column.info, builder.finish());
    context.transaction().mutate(table, uuid, column.info->index, "insert", scratch.field());
    return {};
}

}  // namespace weft::cli
