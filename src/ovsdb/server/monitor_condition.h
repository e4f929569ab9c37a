// The condition of a monitor on one table: it sees the rows for which any clause holds
// (ovsdb-server(7), 4.1.12).
//
// A controller names each datapath that it cares about in a clause of its own.  So neither may a row cost by
// the number of clauses, nor one clause more by the number of rows or of other clauses: clauses "==" and
// "includes" are found by an element that they ask for, as the rows are (element_index.h).  What cannot be
// found like that, ordering and negation, is tried clause by clause and row by row.
//
// Immutable and cheap to copy.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ovsdb/data/condition.h"
#include "ovsdb/server/told_view.h"

namespace weft::ovsdb {

class MonitorCondition {
  public:
    MonitorCondition() : MonitorCondition(Condition()) {}  // every row
    explicit MonitorCondition(Condition condition);

    bool matches(const Uuid& uuid, const RowData& data) const;
    // Only rows that hold an element that it asks for can match.
    bool is_found_by_elements() const { return !compiled_->everything && compiled_->others.empty(); }
    // Calls visit(const ColumnSchema&, size_t hash) for each of these (element_index.h), once.
    template <typename Visit>
    void for_each_element(Visit visit) const {
        for (const ByColumn& each : compiled_->found) {
            for (const auto& [hash, clauses] : each.clauses) visit(*each.column, hash);
        }
    }
    // As JSON; equal texts mean equal conditions.
    const std::string& text() const { return compiled_->text; }

    using Visit = std::function<void(const Uuid& uuid, const RowData& data)>;
    // Every row that matches, once, in no order.
    void for_each_match(const ToldView& view, const Table& table, const Visit& visit) const;
    // Every row that one of the two conditions has and the other has not.
    using VisitChange = std::function<void(const Uuid& uuid, const RowData& data, bool is)>;
    static void for_each_change(const MonitorCondition& before, const MonitorCondition& after,
                                const ToldView& view, const Table& table, const VisitChange& visit);

  private:
    struct ByColumn {
        const ColumnSchema* column;
        HashMap<size_t, std::vector<uint32_t>> clauses;  // by the hash of the element that they ask for
        size_t number = 0;
    };
    struct Compiled {
        std::vector<Clause> clauses;
        std::string text;
        bool everything = false;       // no clause, or one that always holds
        std::vector<ByColumn> found;   // those that are found by an element
        std::vector<uint32_t> others;  // those that must be tried
    };

    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace weft::ovsdb
