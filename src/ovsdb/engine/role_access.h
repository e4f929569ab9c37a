// Role-based access control: what a client that came by a remote with a role may change (ovsdb-server(7), 3.2
// and 4.1.3; ovn-sb(5), RBAC_Role and RBAC_Permission).
//
// The rules are rows of the database itself.  RBAC_Role names a role and maps tables to permissions; a
// permission tells by which columns a row belongs to a client ("authorization", compared with the client's
// id, the common name of its certificate; "" is everybody), whether rows may be inserted and deleted, and
// which columns may be changed ("update").  "COLUMN:KEY" in either is one key of a map.
//
// A schema without RBAC_Role knows no roles and restricts nobody.  Where the rules say nothing, nothing is
// allowed; a client without an id is allowed nothing.

#pragma once

#include <string>
#include <string_view>

#include "ovsdb/data/error.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

class RoleAccess;

enum class WriteKind { kInsert, kDelete, kUpdate, kMutate };

// What one operation may do to one table.  Made for the operation; the rules must not change meanwhile.
class TableAccess {
  public:
    TableAccess() = default;  // everything: who has no role

    // Whether the operation may touch this row, as it is before (of an insertion: as it would be).
    DbResult<void> touch(const RowData& row) const;
    // Whether it may turn a column of such a row from `before` to `after`; asked also where both are the
    // same.
    DbResult<void> write(const ColumnSchema& column, const Datum& before, const Datum& after) const;

  private:
    friend class RoleAccess;
    DbError refusal() const;
    bool owns(const RowData& row) const;

    const RoleAccess* access_ = nullptr;
    const TableSchema* table_ = nullptr;
    WriteKind kind_ = WriteKind::kUpdate;
    bool insert_delete_ = false;
    Datum authorization_, update_;  // sets of strings
};

class RoleAccess {
  public:
    // `client`: the id; "" if there is none.
    RoleAccess(const Database& database, std::string role, std::string client);

    bool restricts() const { return !role_.empty() && roles_; }
    // An error if the role may do nothing of that kind to the table.
    DbResult<TableAccess> table(const TableSchema& table, WriteKind kind) const;
    DbError convert_refusal() const;

  private:
    friend class TableAccess;
    std::string prefix() const;  // of every refusal

    const Database& database_;
    const Table* roles_;  // RBAC_Role; nullptr: the schema has none
    std::string role_, client_;
};

}  // namespace weft::ovsdb
