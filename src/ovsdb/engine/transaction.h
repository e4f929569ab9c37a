// A transaction on a Database: changes are collected beside the committed rows and become a ChangeSet, or
// nothing.
//
//     Transaction txn(database);
//     RowData& row = txn.insert(table, uuid);   row[column] = …;
//     RowData* row = txn.modify(table, uuid);   // a copy of its own, made at the first change
//     txn.erase(table, uuid);
//     DbResult<ChangeSet> changes = txn.commit();     // checks, garbage collection, and the new state
//
// commit() does what RFC 7047 asks at the end of a transaction (3.2, 5.2): counts strong references and
// refuses broken ones, deletes unreferenced rows of non-root tables, removes dangling weak references, checks
// maxRows and indexes. Its cost follows the rows touched and the references that changed.  A transaction that
// is destroyed without commit() leaves no trace.  One at a time per database.

#pragma once

#include <memory>
#include <vector>

#include "base/hash_map.h"
#include "ovsdb/data/error.h"
#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

struct TransactionRow {
    Row* row = nullptr;  // committed; nullptr: inserted by this transaction
    Uuid uuid;
    RowRef data;             // the new version; empty: deleted
    int64_t references = 0;  // how the number of strong references changes
};

class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;

    Database& database() { return database_; }

    // False if a row of that UUID is there, or was there before this transaction deleted it.
    bool may_insert(const Table& table, const Uuid& uuid) const;
    RowData& insert(Table& table, const Uuid& uuid);
    // The row as this transaction sees it; nullptr if there is none.
    const RowData* find(const Table& table, const Uuid& uuid) const;
    RowData* modify(Table& table, const Uuid& uuid);
    bool erase(Table& table, const Uuid& uuid);

    // Every row as this transaction sees it: `visit(uuid, data)`.  No changes meanwhile.
    template <typename Visit>
    void for_each(const Table& table, Visit visit) const {
        for (const Row* row : table.rows()) {
            const RowRef& data = row->pending ? row->pending->data : row->data;
            if (data) visit(row->uuid, *data);
        }
        for (const auto& [uuid, pending] : inserted_[static_cast<size_t>(table.schema().index)]) {
            if (pending->data) visit(uuid, *pending->data);
        }
    }

    DbResult<ChangeSet> commit();

  private:
    using Inserted = absl::flat_hash_map<Uuid, TransactionRow*>;

    TransactionRow* pending(const Table& table, const Uuid& uuid) const;
    TransactionRow& touch(Table& table, Row* row);
    DbResult<void> count_references();
    DbResult<void> count_references_of(const Table& table, TransactionRow& change);
    DbResult<void> refer(const Table& source, int column, const Uuid& source_uuid, int target_table,
                         const Uuid& target, int by);
    DbResult<void> check_deleted() const;
    DbResult<void> collect_garbage();
    DbResult<void> check_max_rows() const;
    DbResult<void> drop_weak_references();
    DbResult<void> drop_weak_references_of(Table& table, TransactionRow& change);
    DbResult<void> check_indexes() const;
    ChangeSet change_set() const;
    std::string describe(const TransactionRow& change) const;

    struct Touched {
        Table* table;
        std::unique_ptr<TransactionRow> change;
    };

    Database& database_;
    std::vector<Touched> touched_;
    std::vector<Inserted> inserted_;  // by table
};

}  // namespace weft::ovsdb
