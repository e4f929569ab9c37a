#include "cli/ctl/generic.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "cli/ctl/assignment.h"
#include "cli/ctl/expression.h"
#include "cli/ctl/records.h"
#include "cli/ctl/scratch.h"
#include "ovsdb/data/datum_text.h"
#include "ovsdb/data/set_ops.h"

namespace weft::cli {
namespace {

Result<const db::TableInfo*> table_argument(CtlContext& context) {
    return find_table(context.database(), context[0]);
}

void need_column(CtlContext& context, const db::TableInfo& table, const NamedColumn& column) {
    db::ColumnSet set;
    if (column.info) set.add(column.info->index);
    context.replica().monitor(table, set);
}

Result<void> check_mutable(CtlContext& context, const db::TableInfo& table, const NamedColumn& column) {
    (void)context;
    if (column.schema->is_mutable) return {};
    return Error{fmt::format("cannot modify read-only column {} in table {}", column.name(), table.name)};
}

// --- list, find

// The columns of --columns, or all of them by name.
Result<std::vector<NamedColumn>> listed_columns(CtlContext& context, const db::TableInfo& table) {
    std::vector<NamedColumn> out;
    if (context.has("--columns")) {
        std::string_view rest = context.option("--columns");
        while (!rest.empty()) {
            size_t start = std::min(rest.find_first_not_of(", "), rest.size());
            rest.remove_prefix(start);
            size_t end = std::min(rest.find_first_of(", "), rest.size());
            if (end == 0) break;
            WEFT_ASSIGN(NamedColumn column,
                        find_column(context.database(), table, rest.substr(0, end), true));
            out.push_back(column);
            rest.remove_prefix(end);
        }
        if (out.empty()) return Error{"must specify at least one column name"};
        return out;
    }
    WEFT_ASSIGN(NamedColumn uuid, find_column(context.database(), table, "_uuid", true));
    out.push_back(uuid);
    for (const db::ColumnInfo& column : table.columns) {
        if (context.replica().server_has(table, column.index))
            out.push_back(column_of(context.database(), table, column));
    }
    std::sort(out.begin(), out.end(),
              [](const NamedColumn& a, const NamedColumn& b) { return a.name() < b.name(); });
    return out;
}

Result<void> need_listed(CtlContext& context, const db::TableInfo& table) {
    WEFT_ASSIGN(std::vector<NamedColumn> columns, listed_columns(context, table));
    for (const NamedColumn& column : columns) need_column(context, table, column);
    return {};
}

Table start_table(const std::vector<NamedColumn>& columns) {
    Table out;
    for (const NamedColumn& column : columns) out.add_column(column.name());
    return out;
}

void add_row(Table& out, const std::vector<NamedColumn>& columns, const void* row) {
    out.add_row();
    for (const NamedColumn& column : columns) out.add_cell(column.value(row), column.type());
}

std::vector<const void*> sorted(std::vector<const void*> rows) {
    std::sort(rows.begin(), rows.end(),
              [](const void* a, const void* b) { return db::uuid_of(a) < db::uuid_of(b); });
    return rows;
}

Result<void> need_list(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    if (context.size() > 1) need_record_names(context, *table);
    return need_listed(context, *table);
}

Result<void> run_list(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::vector<NamedColumn> columns, listed_columns(context, *table));
    context.table = start_table(columns);
    for (size_t i = 1; i < context.size(); i++) {
        WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[i]));
        if (uuid) add_row(*context.table, columns, context.transaction().row(*table, *uuid));
    }
    if (context.size() > 1) return {};
    for (const void* row : sorted(context.transaction().rows(*table))) add_row(*context.table, columns, row);
    return {};
}

Result<void> need_conditions(CtlContext& context, const db::TableInfo& table, size_t first) {
    context.replica().monitor(table, {});
    for (size_t i = first; i < context.size(); i++) {
        WEFT_ASSIGN(ColumnExpression expression,
                    parse_expression(context.database(), table, context[i], true, true));
        need_column(context, table, expression.column);
    }
    return {};
}

Result<bool> all_satisfied(CtlContext& context, const db::TableInfo& table, const void* row, size_t first) {
    for (size_t i = first; i < context.size(); i++) {
        WEFT_ASSIGN(bool satisfied, is_satisfied(context, table, row, context[i]));
        if (!satisfied) return false;
    }
    return true;
}

Result<void> need_find(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_TRY(need_listed(context, *table));
    return need_conditions(context, *table, 1);
}

Result<void> run_find(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::vector<NamedColumn> columns, listed_columns(context, *table));
    context.table = start_table(columns);
    std::vector<const void*> candidates = context.size() > 1
                                              ? rows_perhaps_satisfying(context, *table, context[1])
                                              : context.transaction().rows(*table);
    for (const void* row : sorted(std::move(candidates))) {
        WEFT_ASSIGN(bool satisfied, all_satisfied(context, *table, row, 1));
        if (satisfied) add_row(*context.table, columns, row);
    }
    return {};
}

// --- get

Result<void> need_get(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    if (context.has("--id") && context.has("--if-exists")) {
        return Error{"--if-exists and --id may not be specified together"};
    }
    need_record_names(context, *table);
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_ASSIGN(ColumnExpression expression,
                    parse_expression(context.database(), *table, context[i], false, false, true));
        need_column(context, *table, expression.column);
    }
    return {};
}

// Takes the name of --id=@NAME for a row.
Result<void> take_symbol(CtlContext& context, const Uuid& uuid) {
    std::string_view id = context.option("--id");
    if (!id.starts_with("@")) return Error{fmt::format("row id \"{}\" does not begin with \"@\"", id)};
    ovsdb::Symbol& symbol = context.session().symbols.get(id);
    if (symbol.created)
        return Error{fmt::format("row id \"{}\" may only be specified on one --id option", id)};
    symbol.created = true;
    symbol.strong_ref = true;  // of a row that exists nobody asks for a reference
    symbol.uuid = uuid;
    return {};
}

Result<void> append_got(CtlContext& context, const db::TableInfo& table, const void* row,
                        std::string_view argument) {
    WEFT_ASSIGN(ColumnExpression expression,
                parse_expression(context.database(), table, argument, false, false, true));
    const ovsdb::ColumnType& type = expression.column.type();
    ovsdb::Datum value = expression.column.value(row);
    if (!expression.key) {
        ovsdb::append_text(context.output, value, type);
        context.output += '\n';
        return {};
    }
    if (!type.is_map()) {
        return Error{
            fmt::format("cannot specify key to get for non-map column {}", expression.column.name())};
    }
    WEFT_ASSIGN(ovsdb::Atom key,
                ovsdb::parse_atom_text(type.key, *expression.key, &context.session().symbols));
    uint32_t at = value.find(key.view());
    if (at != ovsdb::Datum::kNone) {
        ovsdb::append_text(context.output, value.value(at));
    } else if (!context.has("--if-exists")) {
        return Error{fmt::format("no key \"{}\" in {} record \"{}\" column {}", *expression.key, table.name,
                                 context[1], expression.column.name())};
    }
    context.output += '\n';
    return {};
}

Result<void> run_get(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[1]));
    if (!uuid) return {};
    if (context.has("--id")) WEFT_TRY(take_symbol(context, *uuid));
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_TRY(append_got(context, *table, context.transaction().row(*table, *uuid), context[i]));
    }
    return {};
}

// --- set, create

Result<void> need_set(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    need_record_names(context, *table);
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_TRY(need_assignment(context, *table, context[i], true));
    }
    return {};
}

Result<void> run_set(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[1]));
    if (!uuid) return {};
    for (size_t i = 2; i < context.size(); i++) WEFT_TRY(assign(context, *table, *uuid, context[i]));
    return {};
}

Result<void> need_create(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    context.replica().monitor(*table, {});
    return {};
}

Result<void> run_create(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    Uuid uuid = Uuid::random();
    if (context.has("--id")) {
        std::string_view id = context.option("--id");
        if (!id.starts_with("@")) return Error{fmt::format("row id \"{}\" does not begin with \"@\"", id)};
        ovsdb::Symbol& symbol = context.session().symbols.get(id);
        if (symbol.created)
            return Error{fmt::format("row id \"{}\" may only be specified on one --id option", id)};
        symbol.created = true;
        uuid = symbol.uuid;
        if (table->is_root) symbol.strong_ref = true;
    } else if (!table->is_root) {
        context.warn("applying \"create\" command to table {} without --id option will have no effect",
                     table->name);
    }
    context.inserted = context.transaction().insert(*table, uuid);
    for (size_t i = 1; i < context.size(); i++) WEFT_TRY(assign(context, *table, uuid, context[i]));
    return {};
}

Result<void> finish_create(CtlContext& context) {
    context.output += context.session().outcome.real(context.inserted).to_string() + '\n';
    return {};
}

// --- add, remove, clear

Result<void> need_add(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    need_record_names(context, *table);
    WEFT_ASSIGN(NamedColumn column, find_column(context.database(), *table, context[2]));
    WEFT_TRY(check_mutable(context, *table, column));
    need_column(context, *table, column);
    return {};
}

// The type with any number of elements.
ovsdb::ColumnType unsized(const ovsdb::ColumnType& type) {
    ovsdb::ColumnType out = type;
    out.min = 0;
    out.max = ovsdb::ColumnType::kUnlimited;
    return out;
}

Error bad_size(const char* operation, const db::TableInfo& table, const NamedColumn& column, uint32_t size) {
    const ovsdb::ColumnType& type = column.type();
    bool too_many = size > type.max;
    return Error{
        fmt::format("\"{}\" operation would put {} {} in column {} of table {} but the {} number is {}",
                    operation, size, type.is_map() ? "pairs" : "values", column.name(), table.name,
                    too_many ? "maximum" : "minimum", too_many ? type.max : type.min)};
}

// Composite columns by a mutation, so that what others add meanwhile is kept; others whole.
void store_difference(CtlContext& context, const db::TableInfo& table, const Uuid& uuid,
                      const NamedColumn& column, const char* mutator, const ovsdb::Datum& elements,
                      const ovsdb::Datum& result) {
    if (!column.info->codec->is_composite) {
        write_datum(context.transaction(), table, uuid, *column.info, result);
    } else if (!elements.empty()) {
        Scratch scratch(table, *column.info, elements);
        context.transaction().mutate(table, uuid, column.info->index, mutator, scratch.field());
    }
}

Result<void> run_add(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(NamedColumn column, find_column(context.database(), *table, context[2]));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[1]));
    if (!uuid) return {};
    ovsdb::Datum before = column.value(context.transaction().row(*table, *uuid));
    ovsdb::Datum after = before;
    for (size_t i = 3; i < context.size(); i++) {
        WEFT_ASSIGN(ovsdb::Datum more,
                    ovsdb::parse_datum_text(unsized(column.type()), context[i], &context.session().symbols));
        after = ovsdb::set_union(after, more);
    }
    if (after.size() > column.type().max) return bad_size("add", *table, column, after.size());
    store_difference(context, *table, *uuid, column, "insert", ovsdb::set_subtract(after, before), after);
    return {};
}

// What `remove` is given: values, pairs, or keys of a map.
Result<ovsdb::Datum> removed_elements(CtlContext& context, const NamedColumn& column, std::string_view text) {
    ovsdb::ColumnType type = unsized(column.type());
    ovsdb::SymbolTable* symbols = &context.session().symbols;
    Result<ovsdb::Datum> elements = ovsdb::parse_datum_text(type, text, symbols);
    if (elements || !type.is_map()) return elements;
    type.value = ovsdb::BaseType();
    Result<ovsdb::Datum> keys = ovsdb::parse_datum_text(type, text, symbols);
    return keys ? std::move(keys) : std::move(elements);
}

Result<void> run_remove(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(NamedColumn column, find_column(context.database(), *table, context[2]));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[1]));
    if (!uuid) return {};
    ovsdb::Datum before = column.value(context.transaction().row(*table, *uuid));
    ovsdb::Datum after = before;
    for (size_t i = 3; i < context.size(); i++) {
        WEFT_ASSIGN(ovsdb::Datum less, removed_elements(context, column, context[i]));
        after = ovsdb::set_subtract(after, less);
    }
    if (after.size() < column.type().min) return bad_size("remove", *table, column, after.size());
    store_difference(context, *table, *uuid, column, "delete", ovsdb::set_subtract(before, after), after);
    return {};
}

Result<void> need_clear(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    need_record_names(context, *table);
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_ASSIGN(NamedColumn column, find_column(context.database(), *table, context[i]));
        WEFT_TRY(check_mutable(context, *table, column));
        need_column(context, *table, column);
    }
    return {};
}

Result<void> run_clear(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[1]));
    if (!uuid) return {};
    for (size_t i = 2; i < context.size(); i++) {
        WEFT_ASSIGN(NamedColumn column, find_column(context.database(), *table, context[i]));
        const ovsdb::ColumnType& type = column.type();
        if (type.min > 0) {
            return Error{fmt::format(
                "\"clear\" operation cannot be applied to column {} of table {}, which is not allowed to "
                "be empty",
                column.name(), table->name)};
        }
        write_datum(context.transaction(), *table, *uuid, *column.info,
                    ovsdb::Datum::empty(type.key.type, type.value.type));
    }
    return {};
}

// --- destroy, wait-until, comment

Result<void> need_record(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    need_record_names(context, *table);
    return {};
}

Result<void> run_destroy(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    bool all = context.has("--all");
    if (all && context.size() > 1)
        return Error{"--all and records argument should not be specified together"};
    if (all && context.has("--if-exists"))
        return Error{"--all and --if-exists should not be specified together"};
    if (!all && context.size() == 1) context.warn("either --all or records argument should be specified");
    for (size_t i = 1; i < context.size(); i++) {
        WEFT_ASSIGN(std::optional<Uuid> uuid, find_record_or_fail(context, *table, context[i]));
        if (uuid) context.transaction().erase(*table, *uuid);
    }
    if (!all) return {};
    for (const void* row : sorted(context.transaction().rows(*table)))
        context.transaction().erase(*table, db::uuid_of(row));
    return {};
}

Result<void> need_wait_until(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    need_record_names(context, *table);
    return need_conditions(context, *table, 2);
}

Result<void> run_wait_until(CtlContext& context) {
    WEFT_ASSIGN(const db::TableInfo* table, table_argument(context));
    WEFT_ASSIGN(std::optional<Uuid> uuid, find_record(context, *table, context[1]));
    bool satisfied = uuid.has_value();
    if (uuid) {
        const void* row = context.transaction().row(*table, *uuid);
        WEFT_ASSIGN(satisfied, all_satisfied(context, *table, row, 2));
    }
    if (!satisfied) context.session().wait_for_change = true;
    return {};
}

Result<void> run_comment(CtlContext& context) {
    std::string text;
    for (const std::string& word : context.arguments) text += (text.empty() ? "" : " ") + word;
    std::string& comment = context.session().comment;
    comment += (comment.empty() ? "" : "\n") + text;
    return {};
}

constexpr CtlCommand kCommands[] = {
    {"comment", 0, -1, "ARG...", "", false, nullptr, run_comment, nullptr,
     "Add the words to the comment that the database logs for this change."},
    {"get", 2, -1, "TABLE RECORD [COLUMN[:KEY]]...", "--if-exists,--id=", false, need_get, run_get, nullptr,
     "Print values of a record."},
    {"list", 1, -1, "TABLE [RECORD]...", "--if-exists,--columns=", false, need_list, run_list, nullptr,
     "List records, all if none is named."},
    {"find", 1, -1, "TABLE [COLUMN[:KEY]=VALUE]...", "--columns=", false, need_find, run_find, nullptr,
     "List records that satisfy conditions."},
    {"set", 3, -1, "TABLE RECORD COLUMN[:KEY]=VALUE...", "--if-exists", true, need_set, run_set, nullptr,
     "Set values of a record."},
    {"add", 4, -1, "TABLE RECORD COLUMN [KEY=]VALUE...", "--if-exists", true, need_add, run_add, nullptr,
     "Add values or pairs to a column."},
    {"remove", 4, -1, "TABLE RECORD COLUMN KEY|VALUE|KEY=VALUE...", "--if-exists", true, need_add, run_remove,
     nullptr, "Remove values or pairs from a column."},
    {"clear", 3, -1, "TABLE RECORD COLUMN...", "--if-exists", true, need_clear, run_clear, nullptr,
     "Make columns empty."},
    {"create", 2, -1, "TABLE COLUMN[:KEY]=VALUE...", "--id=", true, need_create, run_create, finish_create,
     "Create a record and print its uuid."},
    {"destroy", 1, -1, "TABLE [RECORD]...", "--if-exists,--all", true, need_record, run_destroy, nullptr,
     "Delete records."},
    {"wait-until", 2, -1, "TABLE RECORD [COLUMN[:KEY]=VALUE]...", "", false, need_wait_until, run_wait_until,
     nullptr, "Wait until a record exists and satisfies conditions."},
};

}  // namespace

std::span<const CtlCommand> generic_commands() {
    return kCommands;
}

}  // namespace weft::cli
