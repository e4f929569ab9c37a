// The recent transactions of a database: what a client that was away has missed (monitor_cond_since,
// ovsdb-server(7), 4.1.15), and what one that does not keep up is still to be told.
//
// Who is to be told later takes a mark, the present; since(mark) gives everything that happened after it as
// one change, row by row from first to last state.  What lies before the limits of the history is kept,
// merged, only as far as there are marks: between two of them a row has one change, however often it changed.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "base/hash_map.h"
#include "ovsdb/engine/change_set.h"

namespace weft::ovsdb {

// Several change sets, one after the other, as one.
class MergedChanges {
  public:
    void add(const ChangeSet& changes);
    void add(const MergedChanges& later);
    size_t rows() const { return places_.size(); }
    // Rows that came and went are left out.
    ChangeSet changes(const Uuid& id) const;

  private:
    void add(const TableSchema* table, const RowChange& change);

    struct Place {
        size_t table, row;
    };
    std::vector<TableChange> tables_;
    std::map<const TableSchema*, size_t> table_places_;
    absl::flat_hash_map<std::pair<const TableSchema*, Uuid>, Place> places_;
};

class History {
  public:
    // A moment between two transactions.
    using Mark = uint64_t;

    // Begins anew: nothing before is known, and the present is `last`.  There are no marks.
    void reset(const Uuid& last);
    // `database_rows`: of the whole database, by which the history is limited.
    void add(std::shared_ptr<const ChangeSet> changes, size_t database_rows);

    const Uuid& last() const { return last_; }
    // Everything after transaction `id`; nullptr if it is not known any more.
    std::unique_ptr<ChangeSet> since(const Uuid& id) const;

    // The moment before the last transaction.
    Mark mark_before_last();
    void mark_again(Mark mark);  // one that is taken
    void unmark(Mark mark);
    std::shared_ptr<const ChangeSet> since(Mark mark) const;
    bool any_marks() const { return !marks_.empty(); }
    Mark oldest_mark() const { return marks_.begin()->first; }
    // Rows kept for the marks alone.
    size_t merged_rows() const { return merged_rows_; }

  private:
    void evict_first();

    std::deque<std::shared_ptr<const ChangeSet>> recent_;
    size_t recent_rows_ = 0;
    Uuid before_recent_;  // the transaction before the first of recent_
    uint64_t first_ = 0;  // the moment before the first of recent_; they are one apart
    Uuid last_;
    std::map<Mark, size_t> marks_;          // how often each was taken
    std::map<Mark, MergedChanges> merged_;  // from that mark to the next one, or to first_
    size_t merged_rows_ = 0;
};

}  // namespace weft::ovsdb
