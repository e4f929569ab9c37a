// `show`: an overview by the program's CtlShow table.

#include <fmt/format.h>

#include "cli/ctl/generic.h"
#include "cli/ctl/records.h"
#include "ovsdb/data/datum_text.h"

namespace weft::cli {
namespace {

const CtlShow* show_of(CtlContext& context, std::string_view table) {
    for (const CtlShow& show : context.session().program->show) {
        if (table == show.table) return &show;
    }
    return nullptr;
}

const db::TableInfo& table_of(CtlContext& context, const char* name) {
    const db::TableInfo* table = context.database().find_table(name);
    assert(table);
    return *table;
}

NamedColumn column_named(CtlContext& context, const db::TableInfo& table, const char* name) {
    const db::ColumnInfo* column = table.find_column(name);
    assert(column);
    return column_of(context.database(), table, *column);
}

void indent(std::string& out, int level) {
    out.append(static_cast<size_t>(level) * 4, ' ');
}

void show_row(CtlContext& context, const CtlShow& show, const void* row, int level);

void show_referring(CtlContext& context, const CtlShow& show, const void* row, int level) {
    if (!*show.referring_table) return;
    const db::TableInfo& table = table_of(context, show.referring_table);
    NamedColumn column = column_named(context, table, show.referring_column);
    NamedColumn name = column_named(context, table, show.referring_name);
    std::vector<std::string> names;
    for (const void* each : context.transaction().rows(table)) {
        ovsdb::Datum reference = column.value(each);
        if (reference.contains(ovsdb::AtomView(db::uuid_of(row))))
            names.push_back(ovsdb::to_text(name.value(each), name.type()));
    }
    std::sort(names.begin(), names.end());
    for (const std::string& each : names) {
        indent(context.output, level);
        context.output += fmt::format("{} {}\n", table.name, each);
    }
}

// A map whose values are rows: the name of each by its key.
void show_map(CtlContext& context, const NamedColumn& column, const CtlShow& of, const ovsdb::Datum& value,
              int level) {
    const db::TableInfo& table = table_of(context, of.table);
    NamedColumn name = column_named(context, table, of.name_column);
    indent(context.output, level);
    context.output += fmt::format("{}:\n", column.name());
    for (uint32_t i = 0; i < value.size(); ++i) {
        const void* each = context.transaction().row(table, value.value(i).uuid());
        if (!each) continue;
        indent(context.output, level + 1);
        context.output +=
            fmt::format("{}={}\n", ovsdb::to_text(ovsdb::Datum::of(value.key(i)), {column.type().key}),
                        ovsdb::to_text(name.value(each), name.type()));
    }
}

void show_column(CtlContext& context, const NamedColumn& column, const void* row, int level) {
    ovsdb::Datum value = column.value(row);
    const ovsdb::ColumnType& type = column.type();
    const CtlShow* below = type.key.ref_table.empty() ? nullptr : show_of(context, type.key.ref_table);
    if (below) {
        const db::TableInfo& table = table_of(context, below->table);
        for (const Uuid& uuid : value.uuids()) {
            if (const void* each = context.transaction().row(table, uuid))
                show_row(context, *below, each, level);
        }
        return;
    }
    if (const CtlShow* of = type.is_map() ? show_of(context, type.value.ref_table) : nullptr)
        return show_map(context, column, *of, value, level);
    if (type.is_default(value)) return;
    indent(context.output, level);
    context.output += fmt::format("{}: ", column.name());
    ovsdb::append_text(context.output, value, type);
    context.output += '\n';
}

void show_row(CtlContext& context, const CtlShow& show, const void* row, int level) {
    const db::TableInfo& table = table_of(context, show.table);
    indent(context.output, level);
    if (*show.name_column) {
        NamedColumn name = column_named(context, table, show.name_column);
        context.output += fmt::format("{} {}\n", show.table, ovsdb::to_text(name.value(row), name.type()));
    } else {
        context.output += db::uuid_of(row).to_string() + '\n';
    }
    for (const char* column : show.columns)
        show_column(context, column_named(context, table, column), row, level + 1);
    show_referring(context, show, row, level + 1);
}

Result<void> need_show(CtlContext& context) {
    auto need = [&](const db::TableInfo& table, const char* column) {
        db::ColumnSet set;
        if (*column) set.add(column_named(context, table, column).info->index);
        context.replica().monitor(table, set);
    };
    for (const CtlShow& show : context.session().program->show) {
        const db::TableInfo& table = table_of(context, show.table);
        need(table, show.name_column);
        for (const char* column : show.columns) need(table, column);
        if (!*show.referring_table) continue;
        need(table_of(context, show.referring_table), show.referring_column);
        need(table_of(context, show.referring_table), show.referring_name);
    }
    return {};
}

Result<void> run_show(CtlContext& context) {
    const CtlShow& top = context.session().program->show.front();
    std::vector<const void*> rows = context.transaction().rows(table_of(context, top.table));
    std::sort(rows.begin(), rows.end(),
              [](const void* a, const void* b) { return db::uuid_of(a) < db::uuid_of(b); });
    for (const void* row : rows) show_row(context, top, row, 0);
    return {};
}

}  // namespace

const CtlCommand kGenericShow = {
    "show", 0,         0,        "",      "",
    false,  need_show, run_show, nullptr, "Print an overview of the database's contents."};

}  // namespace weft::cli
