#include "cli/ctl/records.h"

#include <fmt/format.h>

#include <cctype>

#include "cli/ctl/scratch.h"
#include "ovsdb/data/datum.h"

namespace weft::cli {
namespace {

constexpr size_t kMinUuidDigits = 4;

char folded(char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_folded_prefix(std::string_view name, std::string_view text) {
    if (text.size() > name.size()) return false;
    for (size_t i = 0; i < text.size(); i++) {
        if (folded(name[i]) != folded(text[i])) return false;
    }
    return true;
}

// The names that `text` may mean: the one that it is, or those that it begins.
template <typename T, typename Name>
std::vector<const T*> matches(const std::vector<const T*>& all, std::string_view text, Name&& name) {
    std::vector<const T*> out;
    for (const T* each : all) {
        if (!is_folded_prefix(name(*each), text)) continue;
        if (text.size() == std::string_view(name(*each)).size()) return {each};
        out.push_back(each);
    }
    return out;
}

const db::ColumnInfo& column_named(const db::TableInfo& table, const char* name) {
    const db::ColumnInfo* column = table.find_column(name);
    assert(column);
    return *column;
}

const db::TableInfo& table_named(const db::DatabaseInfo& database, const char* name) {
    const db::TableInfo* table = database.find_table(name);
    assert(table);
    return *table;
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) || c == '-'; });
}

// The row that `source` refers to by the program's rule, or itself.
std::optional<Uuid> referred(const db::DatabaseInfo& database, const CtlRecordName& rule,
                             const void* source) {
    if (!*rule.reference) return db::uuid_of(source);
    const db::TableInfo& named = table_named(database, rule.named_table);
    const db::ColumnInfo& column = column_named(named, rule.reference);
    ovsdb::Datum value = column.codec->to_datum(db::field_of(source, column));
    if (value.size() != 1) return std::nullopt;
    return value.is_map() ? value.value(0).uuid() : value.key(0).uuid();
}

// The column, and in "COLUMN:KEY" the key of a map, by which a rule's rows are called; nothing if "." calls
// the only row.
struct NameColumn {
    const db::ColumnInfo* info;
    std::optional<std::string_view> key;
};

std::optional<NameColumn> name_column_of(const db::TableInfo& table, const CtlRecordName& rule) {
    std::string_view text = rule.name_column;
    if (text.empty()) return std::nullopt;
    size_t colon = text.find(':');
    const db::ColumnInfo* info = table.find_column(text.substr(0, colon));
    assert(info);
    if (colon == std::string_view::npos) return NameColumn{info, std::nullopt};
    return NameColumn{info, text.substr(colon + 1)};
}

// Rows that may have that name, others beside them.
std::vector<const void*> rows_perhaps_named(CtlContext& context, const db::TableInfo& table,
                                            const std::optional<NameColumn>& column, std::string_view name) {
    db::Transaction& txn = context.transaction();
    if (!column) return txn.rows(table);
    const ovsdb::ColumnType& type = column_of(context.database(), table, *column->info).type();
    if (column->key) {
        ovsdb::DatumBuilder pair(type.key.type, type.value.type);
        pair.add(*column->key, name);
        return txn.rows_perhaps_including(table, column->info->index,
                                          Scratch(table, *column->info, pair.finish()).field());
    }
    if (type.key.type != ovsdb::AtomType::kString) return txn.rows(table);
    return txn.rows_equal(table, column->info->index,
                          Scratch(table, *column->info, ovsdb::Datum::of(name)).field());
}

// By one rule: found, not found, or (through `several`) more than one.
std::optional<Uuid> find_by_rule(CtlContext& context, const CtlRecordName& rule, std::string_view name,
                                 bool& several) {
    const db::TableInfo& named = table_named(context.database(), rule.named_table);
    std::optional<Uuid> found;
    std::optional<NameColumn> name_column = name_column_of(named, rule);
    for (const void* row : rows_perhaps_named(context, named, name_column, name)) {
        if (name_column) {
            ovsdb::Datum value = name_column->info->codec->to_datum(db::field_of(row, *name_column->info));
            if (name_column->key) {
                if (value.get(*name_column->key) != name) continue;
                value = ovsdb::Datum::of(name);
            }
            if (value.size() != 1) continue;
            if (value.key_type() == ovsdb::AtomType::kInteger ? std::to_string(value.integer()) != name
                                                              : value.string() != name) {
                continue;
            }
        } else if (name != ".") {
            continue;
        }
        std::optional<Uuid> uuid = referred(context.database(), rule, row);
        if (!uuid) continue;
        several = several || (found && *found != *uuid);
        found = uuid;
    }
    return found;
}

std::optional<Uuid> find_by_digits(CtlContext& context, const db::TableInfo& table, std::string_view name,
                                   bool& several) {
    std::optional<Uuid> found;
    std::string digits(name);
    for (char& c : digits) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const void* row : context.transaction().rows(table)) {
        if (!db::uuid_of(row).to_string().starts_with(digits)) continue;
        several = several || found;
        found = db::uuid_of(row);
    }
    return found;
}

}  // namespace

ovsdb::Datum NamedColumn::value(const void* row) const {
    if (!info) return ovsdb::Datum::of(ovsdb::AtomView(db::uuid_of(row)));
    return info->codec->to_datum(db::field_of(row, *info));
}

Result<const db::TableInfo*> find_table(const db::DatabaseInfo& database, std::string_view name) {
    std::vector<const db::TableInfo*> all(database.tables.begin(), database.tables.end());
    std::vector<const db::TableInfo*> found =
        matches(all, name, [](const db::TableInfo& table) { return table.name; });
    if (found.size() == 1) return found[0];
    if (found.empty()) return Error{fmt::format("unknown table \"{}\"", name)};
    std::sort(found.begin(), found.end(),
              [](auto* a, auto* b) { return std::string_view(a->name) < b->name; });
    std::string names;
    for (const db::TableInfo* table : found)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", table->name);
    return Error{fmt::format("\"{}\" matches multiple table names: {}", name, names)};
}

NamedColumn column_of(const db::DatabaseInfo& database, const db::TableInfo& table,
                      const db::ColumnInfo& column) {
    const ovsdb::TableSchema* schema = database.schema().find_table(table.name);
    return {&column, schema->find_column(column.name)};
}

Result<NamedColumn> find_column(const db::DatabaseInfo& database, const db::TableInfo& table,
                                std::string_view name, bool with_uuid) {
    if (with_uuid && (name == "_uuid" || (name.size() > 1 && is_folded_prefix("_uuid", name)))) {
        return NamedColumn{nullptr, &ovsdb::TableSchema::uuid_column()};
    }
    std::vector<const db::ColumnInfo*> all;
    for (const db::ColumnInfo& column : table.columns) all.push_back(&column);
    auto found = matches(all, name, [](const db::ColumnInfo& column) { return column.name; });
    if (found.empty() || name.empty()) {
        return Error{fmt::format("{} does not contain a column whose name matches \"{}\"", table.name, name)};
    }
    if (found.size() > 1) {
        return Error{
            fmt::format("{} contains more than one column whose name matches \"{}\"", table.name, name)};
    }
    return column_of(database, table, *found[0]);
}

void need_record_names(CtlContext& context, const db::TableInfo& table) {
    context.replica().monitor(table, {});
    for (const CtlRecordName& rule : context.session().program->record_names) {
        if (std::string_view(rule.table) != table.name) continue;
        const db::TableInfo& named = table_named(context.database(), rule.named_table);
        db::ColumnSet columns;
        if (auto name_column = name_column_of(named, rule)) columns.add(name_column->info->index);
        if (*rule.reference) columns.add(column_named(named, rule.reference).index);
        context.replica().monitor(named, columns);
    }
}

Result<std::optional<Uuid>> find_record(CtlContext& context, const db::TableInfo& table,
                                        std::string_view name) {
    if (std::optional<Uuid> uuid = Uuid::parse(name)) {
        return context.transaction().row(table, *uuid) ? uuid : std::nullopt;
    }
    if (name.starts_with("@")) {
        const Uuid& uuid = context.session().symbols.get(name).uuid;
        return context.transaction().row(table, uuid) ? std::optional<Uuid>(uuid) : std::nullopt;
    }
    bool several = false;
    std::optional<Uuid> found;
    for (const CtlRecordName& rule : context.session().program->record_names) {
        if (std::string_view(rule.table) != table.name || found) continue;
        found = find_by_rule(context, rule, name, several);
        // What a reference leads to may still have to be fetched.
        if (found && !context.transaction().row(table, *found)) found.reset();
    }
    if (context.transaction().has_questions()) return std::optional<Uuid>();
    if (!found && name.size() >= kMinUuidDigits && is_hex(name))
        found = find_by_digits(context, table, name, several);
    if (several) return Error{fmt::format("multiple rows in {} match \"{}\"", table.name, name)};
    return found;
}

Result<std::optional<Uuid>> find_record_or_fail(CtlContext& context, const db::TableInfo& table,
                                                std::string_view name) {
    WEFT_ASSIGN(std::optional<Uuid> found, find_record(context, table, name));
    if (!found && !context.has("--if-exists")) {
        return Error{fmt::format("no row \"{}\" in table {}", name, table.name)};
    }
    return found;
}

void write_datum(db::Transaction& transaction, const db::TableInfo& table, const Uuid& uuid,
                 const db::ColumnInfo& column, const ovsdb::Datum& datum) {
    transaction.write(table, uuid, column.index, Scratch(table, column, datum).field());
}

}  // namespace weft::cli
