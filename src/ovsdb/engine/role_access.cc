#include "ovsdb/engine/role_access.h"

#include <fmt/format.h>

namespace weft::ovsdb {

namespace {

// A column of the rules' own tables, if it has the type that it should have; otherwise it grants nothing.
const Datum* value(const Table& table, const RowData& row, const char* name, AtomType key, AtomType value) {
    const ColumnSchema* column = table.schema().find_column(name);
    if (!column || column->index < 0 || column->type.key.type != key || column->type.value.type != value)
        return nullptr;
    return &row[column->index];
}

const Datum* strings(const Table& table, const RowData& row, const char* name) {
    return value(table, row, name, AtomType::kString, AtomType::kVoid);
}

// "COLUMN:KEY"
bool names_key(std::string_view entry, const ColumnSchema& column, std::string_view key) {
    return entry.size() == column.name.size() + 1 + key.size() && entry.starts_with(column.name) &&
           entry[column.name.size()] == ':' && entry.ends_with(key);
}

}  // namespace

RoleAccess::RoleAccess(const Database& database, std::string role, std::string client)
    : database_(database),
      roles_(role.empty() ? nullptr : database.find_table("RBAC_Role")),
      role_(std::move(role)),
      client_(std::move(client)) {}

std::string RoleAccess::prefix() const {
    return fmt::format("RBAC rules for client \"{}\" role \"{}\" prohibit ",
                       client_.empty() ? "(null)" : client_, role_);
}

DbError RoleAccess::convert_refusal() const {
    return DbError("permission error",
                   fmt::format("{}\"convert\" of database {} (only the root role may convert databases)",
                               prefix(), database_.schema().name));
}

DbResult<TableAccess> RoleAccess::table(const TableSchema& table, WriteKind kind) const {
    TableAccess access;
    access.access_ = this;
    access.table_ = &table;
    access.kind_ = kind;
    const ColumnSchema* column = roles_->schema().find_column("permissions");
    const RowData* permission = nullptr;
    const Table* permissions = nullptr;
    if (column && column->type.key.type == AtomType::kString && !column->type.value.ref_table.empty()) {
        permissions = &database_.table(column->type.value.ref_table_index);
        for (const Row* row : roles_->rows()) {
            const Datum* name = strings(*roles_, *row->data, "name");
            if (!name || name->string() != role_) continue;
            const Datum& tables = (*row->data)[column->index];
            uint32_t at = tables.find(AtomView(table.name));
            const Row* found = at == Datum::kNone ? nullptr : permissions->find(tables.value(at).uuid());
            if (found) permission = found->data.get();
            break;
        }
    }
    if (!permission || client_.empty()) return access.refusal();
    if (const Datum* set = strings(*permissions, *permission, "authorization")) access.authorization_ = *set;
    if (const Datum* set = strings(*permissions, *permission, "update")) access.update_ = *set;
    const Datum* flag =
        value(*permissions, *permission, "insert_delete", AtomType::kBoolean, AtomType::kVoid);
    access.insert_delete_ = flag && flag->boolean();
    return access;
}

DbError TableAccess::refusal() const {
    const char* what = kind_ == WriteKind::kInsert   ? "row insertion into"
                       : kind_ == WriteKind::kDelete ? "row deletion from"
                       : kind_ == WriteKind::kUpdate ? "modification of"
                                                     : "mutate operation on";
    return DbError("permission error",
                   fmt::format("{}{} table \"{}\".", access_->prefix(), what, table_->name));
}

// Columns that can name one client, and keys of maps from string to string.
bool TableAccess::owns(const RowData& row) const {
    for (uint32_t i = 0; i < authorization_.size(); ++i) {
        std::string_view entry = authorization_.key(i).string();
        if (entry.empty()) return true;
        size_t colon = entry.find(':');
        const ColumnSchema* column = table_->find_column(entry.substr(0, colon));
        if (!column || column->index < 0 || column->type.key.type != AtomType::kString) continue;
        const Datum& datum = row[column->index];
        if (colon == std::string_view::npos) {
            if (!column->type.is_map() && column->type.max == 1 && !datum.empty() &&
                datum.string() == access_->client_)
                return true;
        } else if (column->type.value.type == AtomType::kString) {
            if (datum.get(entry.substr(colon + 1)) == access_->client_) return true;
        }
    }
    return false;
}

DbResult<void> TableAccess::touch(const RowData& row) const {
    if (!access_) return {};
    bool whole_row = kind_ == WriteKind::kInsert || kind_ == WriteKind::kDelete;
    if ((whole_row && !insert_delete_) || !owns(row)) return refusal();
    return {};
}

DbResult<void> TableAccess::write(const ColumnSchema& column, const Datum& before, const Datum& after) const {
    if (!access_ || update_.contains(AtomView(column.name))) return {};
    // Keys of a map: all that differ have to be listed, and some key of the column has to be.
    auto listed = [&](std::string_view key) {
        for (uint32_t i = 0; i < update_.size(); ++i) {
            if (names_key(update_.key(i).string(), column, key)) return true;
        }
        return false;
    };
    bool any = false;
    for (uint32_t i = 0; i < update_.size() && !any; ++i) {
        std::string_view entry = update_.key(i).string();
        any = entry.starts_with(column.name) && entry.substr(column.name.size()).starts_with(':');
    }
    if (!any || !column.type.is_map() || column.type.key.type != AtomType::kString) return refusal();
    auto same = [](const Datum& datum, const Datum& other, uint32_t i) {
        uint32_t at = other.find(datum.key(i));
        return at != Datum::kNone && other.value(at) == datum.value(i);
    };
    for (const auto& [datum, other] : {std::pair(&before, &after), std::pair(&after, &before)}) {
        for (uint32_t i = 0; i < datum->size(); ++i) {
            if (!same(*datum, *other, i) && !listed(datum->key(i).string())) return refusal();
        }
    }
    return {};
}

}  // namespace weft::ovsdb
