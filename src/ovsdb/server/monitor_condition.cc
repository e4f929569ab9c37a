#include "ovsdb/server/monitor_condition.h"

#include <algorithm>

#include "json/text.h"

namespace weft::ovsdb {

namespace {

bool holds(const Clause& clause, const Uuid& uuid, const RowData& data) {
    if (clause.function == Function::kTrue) return true;
    if (clause.function == Function::kFalse) return false;
    int column = clause.column->index;
    return column >= 0 ? clause.holds(data[column]) : clause.holds(column_value(uuid, data, *clause.column));
}

// Only rows that hold an element of the argument can match.
bool has_element(const Clause& clause) {
    return (clause.function == Function::kEqual || clause.function == Function::kIncludes) &&
           clause.column->index != kVersionColumn && !clause.argument.empty();
}

bool finds_rows(const Clause& clause) {
    return clause.function == Function::kFalse || has_element(clause);
}

void for_each_candidate(const Clause& clause, const ToldView& view, const Table& table,
                        const MonitorCondition::Visit& visit) {
    if (clause.function == Function::kFalse) return;
    if (clause.column->index == kUuidColumn) {
        Uuid uuid = clause.argument.uuid();
        if (const RowData* data = view.find(table, uuid)) visit(uuid, *data);
    } else {
        view.for_each_holding(table, clause.column->index, element_hash(clause.argument, 0), visit);
    }
}

// Each row that the clauses may mean, once.
void for_each_candidate(const std::vector<const Clause*>& clauses, const ToldView& view, const Table& table,
                        const MonitorCondition::Visit& visit) {
    if (!std::all_of(clauses.begin(), clauses.end(), [](const Clause* c) { return finds_rows(*c); })) {
        view.for_each(table, visit);
    } else if (clauses.size() == 1) {
        for_each_candidate(*clauses.front(), view, table, visit);
    } else {
        HashSet<Uuid> seen;
        for (const Clause* clause : clauses) {
            for_each_candidate(*clause, view, table, [&](const Uuid& uuid, const RowData& data) {
                if (seen.insert(uuid).second) visit(uuid, data);
            });
        }
    }
}

struct ClauseHash {
    size_t operator()(const Clause* clause) const {
        return absl::HashOf(clause->function, clause->column, clause->argument.hash());
    }
};

struct ClauseEqual {
    bool operator()(const Clause* a, const Clause* b) const { return *a == *b; }
};

// Appends the clauses of `a` that `b` has not.
void subtract(const std::vector<Clause>& a, const std::vector<Clause>& b, std::vector<const Clause*>& out) {
    absl::flat_hash_set<const Clause*, ClauseHash, ClauseEqual> others;
    others.reserve(b.size());
    for (const Clause& clause : b) others.insert(&clause);
    for (const Clause& clause : a) {
        if (!others.contains(&clause)) out.push_back(&clause);
    }
}

}  // namespace

MonitorCondition::MonitorCondition(Condition condition) {
    auto compiled = std::make_shared<Compiled>();
    compiled->text = json::to_text(condition.to_json());
    compiled->clauses = std::move(condition.clauses);
    const std::vector<Clause>& clauses = compiled->clauses;
    auto always = [](const Clause& clause) { return clause.function == Function::kTrue; };
    compiled->everything = clauses.empty() || std::any_of(clauses.begin(), clauses.end(), always);
    for (uint32_t i = 0; i < clauses.size(); ++i) {
        if (!has_element(clauses[i])) {
            if (clauses[i].function != Function::kFalse) compiled->others.push_back(i);
            continue;
        }
        auto same = [&](const ByColumn& each) { return each.column == clauses[i].column; };
        auto it = std::find_if(compiled->found.begin(), compiled->found.end(), same);
        if (it == compiled->found.end()) it = compiled->found.insert(it, ByColumn{clauses[i].column, {}, 0});
        it->clauses[element_hash(clauses[i].argument, 0)].push_back(i);
        ++it->number;
    }
    compiled_ = std::move(compiled);
}

bool MonitorCondition::matches(const Uuid& uuid, const RowData& data) const {
    if (compiled_->everything) return true;
    const std::vector<Clause>& clauses = compiled_->clauses;
    auto any = [&](const std::vector<uint32_t>& list) {
        return std::any_of(list.begin(), list.end(),
                           [&](uint32_t i) { return holds(clauses[i], uuid, data); });
    };
    for (const ByColumn& each : compiled_->found) {
        int column = each.column->index;
        Datum own = column >= 0 ? data[column] : column_value(uuid, data, *each.column);
        if (own.size() > each.number) {
            for (const auto& [hash, list] : each.clauses) {
                if (any(list)) return true;
            }
            continue;
        }
        for (uint32_t i = 0; i < own.size(); ++i) {
            auto it = each.clauses.find(element_hash(own, i));
            if (it != each.clauses.end() && any(it->second)) return true;
        }
    }
    return any(compiled_->others);
}

void MonitorCondition::for_each_match(const ToldView& view, const Table& table, const Visit& visit) const {
    if (compiled_->everything) return view.for_each(table, visit);
    std::vector<const Clause*> clauses;
    for (const Clause& clause : compiled_->clauses) clauses.push_back(&clause);
    for_each_candidate(clauses, view, table, [&](const Uuid& uuid, const RowData& data) {
        if (matches(uuid, data)) visit(uuid, data);
    });
}

void MonitorCondition::for_each_change(const MonitorCondition& before, const MonitorCondition& after,
                                       const ToldView& view, const Table& table, const VisitChange& visit) {
    auto visit_changed = [&](const Uuid& uuid, const RowData& data) {
        bool was = before.matches(uuid, data), is = after.matches(uuid, data);
        if (was != is) visit(uuid, data, is);
    };
    if (before.compiled_->everything && after.compiled_->everything) return;
    if (before.compiled_->everything || after.compiled_->everything) {
        return view.for_each(table, visit_changed);
    }
    std::vector<const Clause*> changed;
    subtract(before.compiled_->clauses, after.compiled_->clauses, changed);
    subtract(after.compiled_->clauses, before.compiled_->clauses, changed);
    for_each_candidate(changed, view, table, visit_changed);
}

}  // namespace weft::ovsdb
