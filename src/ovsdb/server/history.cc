#include "ovsdb/server/history.h"

#include <algorithm>
#include <cassert>

namespace weft::ovsdb {

namespace {

// The history costs memory, and is worth less than reading everything anew once it is longer than that.
constexpr size_t kMaxTransactions = 1000;
constexpr size_t kMinRows = 1000;

size_t rows_of(const ChangeSet& changes) {
    size_t rows = 0;
    for (const TableChange& table : changes.tables) rows += table.rows.size();
    return rows;
}

}  // namespace

void MergedChanges::add(const TableSchema* table, const RowChange& change) {
    auto [place, fresh] = places_.try_emplace(std::pair(table, change.uuid));
    if (!fresh) {
        std::vector<RowChange>& rows = tables_[place->second.table].rows;
        RowChange& merged = rows[place->second.row];
        merged.after = change.after;
        if (merged.before || merged.after) return;
        // It came and went: nothing is left to tell, or to keep.
        size_t row = place->second.row;
        places_.erase(place);
        if (row + 1 < rows.size()) {
            rows[row] = std::move(rows.back());
            places_[std::pair(table, rows[row].uuid)].row = row;
        }
        rows.pop_back();
        return;
    }
    auto [at, fresh_table] = table_places_.try_emplace(table, tables_.size());
    if (fresh_table) tables_.push_back({table, {}});
    std::vector<RowChange>& rows = tables_[at->second].rows;
    place->second = {at->second, rows.size()};
    rows.push_back(change);
}

void MergedChanges::add(const ChangeSet& changes) {
    for (const TableChange& table : changes.tables) {
        for (const RowChange& change : table.rows) add(table.table, change);
    }
}

void MergedChanges::add(const MergedChanges& later) {
    for (const TableChange& table : later.tables_) {
        for (const RowChange& change : table.rows) add(table.table, change);
    }
}

ChangeSet MergedChanges::changes(const Uuid& id) const {
    ChangeSet out;
    out.id = id;
    out.tables = tables_;
    return out;
}

void History::reset(const Uuid& last) {
    recent_.clear();
    recent_rows_ = 0;
    before_recent_ = last_ = last;
    marks_.clear();
    merged_.clear();
    merged_rows_ = 0;
}

void History::add(std::shared_ptr<const ChangeSet> changes, size_t database_rows) {
    last_ = changes->id;
    recent_rows_ += rows_of(*changes);
    recent_.push_back(std::move(changes));
    size_t max_rows = std::max(kMinRows, database_rows / 10);
    // The last one stays, whatever its size: marks are made before it.
    while (recent_.size() > 1 && (recent_.size() > kMaxTransactions || recent_rows_ > max_rows))
        evict_first();
}

void History::evict_first() {
    const ChangeSet& changes = *recent_.front();
    if (!marks_.empty() && marks_.begin()->first <= first_) {
        if (marks_.count(first_)) merged_.try_emplace(first_);
        MergedChanges& merged = std::prev(merged_.end())->second;
        merged_rows_ -= merged.rows();
        merged.add(changes);
        merged_rows_ += merged.rows();
    }
    recent_rows_ -= rows_of(changes);
    before_recent_ = changes.id;
    ++first_;
    recent_.pop_front();
}

std::unique_ptr<ChangeSet> History::since(const Uuid& id) const {
    size_t first = 0;
    if (!(id == before_recent_)) {
        while (first < recent_.size() && !(recent_[first]->id == id)) ++first;
        if (first == recent_.size()) return nullptr;
        ++first;
    }
    MergedChanges merged;
    for (size_t i = first; i < recent_.size(); ++i) merged.add(*recent_[i]);
    return std::make_unique<ChangeSet>(merged.changes(last_));
}

History::Mark History::mark_before_last() {
    assert(!recent_.empty());
    Mark mark = first_ + recent_.size() - 1;
    ++marks_[mark];
    return mark;
}

void History::mark_again(Mark mark) {
    assert(marks_.contains(mark));
    ++marks_[mark];
}

void History::unmark(Mark mark) {
    auto it = marks_.find(mark);
    if (it == marks_.end() || --it->second > 0) return;
    marks_.erase(it);
    auto merged = merged_.find(mark);
    if (merged == merged_.end()) return;
    merged_rows_ -= merged->second.rows();
    if (merged != merged_.begin()) {
        MergedChanges& before = std::prev(merged)->second;
        merged_rows_ -= before.rows();
        before.add(merged->second);
        merged_rows_ += before.rows();
    }
    merged_.erase(merged);
}

std::shared_ptr<const ChangeSet> History::since(Mark mark) const {
    if (!recent_.empty() && mark + 1 == first_ + recent_.size()) return recent_.back();
    MergedChanges all;
    for (auto it = merged_.find(mark); it != merged_.end(); ++it) all.add(it->second);
    size_t skip = mark > first_ ? static_cast<size_t>(mark - first_) : 0;
    for (size_t i = skip; i < recent_.size(); ++i) all.add(*recent_[i]);
    return std::make_shared<const ChangeSet>(all.changes(last_));
}

}  // namespace weft::ovsdb
