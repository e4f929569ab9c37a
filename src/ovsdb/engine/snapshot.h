// The rows of a database as they were at one moment, handed out in pieces while transactions go on.
//
//     Snapshot snapshot(database);                      // the moment
//     Snapshot::Piece piece;
//     while (snapshot.next(1000, piece)) write(piece);  // with other work, and transactions, in between
//
// Taking one costs a pointer per row, some nanoseconds each.  Afterwards a row that is changed before it was
// handed out leaves its old version here, and the Row of one that goes stays in memory until the end; so
// every row is handed out once, as it was at that moment.  One at a time per database, which must outlive it.
//
// The pieces hold counted rows, which belong to the loop's thread: another thread may read them while this
// one keeps the piece, and must not copy or drop it.

#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ovsdb/engine/database.h"

namespace weft::ovsdb {

class Snapshot {
  public:
    struct Piece {
        const TableSchema* table = nullptr;
        std::vector<std::pair<Uuid, RowRef>> rows;
    };

    explicit Snapshot(Database& database);
    ~Snapshot();
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

    // At most `max` rows of one table, those of a table one piece after the other; false at the end.
    bool next(size_t max, Piece& piece);

  private:
    Database& database_;
    std::vector<std::unique_ptr<TableSnapshot>> tables_;
    size_t current_ = 0;
};

}  // namespace weft::ovsdb
