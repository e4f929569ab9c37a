// A condition sees the rows that its clauses see one by one, however it finds them.

#include "ovsdb/server/monitor_condition.h"

#include <deque>
#include <map>

#include "ovsdb/server/test_conditions.h"

namespace weft::ovsdb {
namespace {

using MonitorConditionTest = RandomConditions;

TEST_F(MonitorConditionTest, SeesWhatItsClausesSee) {
    SCOPED_TRACE(seed_);
    std::deque<ChangeSet> untold;
    for (int round = 0; round < 3000 && !HasFailure(); ++round) {
        untold.push_back(change());
        while (untold.size() > below(4)) untold.pop_front();
        ToldView view(*database_);
        for (const ChangeSet& changes : untold) view.hide(changes);
        Condition before = condition(), after = condition();
        // Often a clause more or less, as real clients do it.
        if (below(2)) {
            after.clauses = before.clauses;
            for (const Clause& clause : condition().clauses) after.clauses.push_back(clause);
            if (!after.clauses.empty() && below(2)) after.clauses.erase(after.clauses.begin());
        }
        std::map<Uuid, bool> matches, changes;
        view.for_each(table(), [&](const Uuid& uuid, const RowData& data) {
            bool was = sees(before, uuid, data), is = sees(after, uuid, data);
            if (was) matches[uuid] = true;
            if (was != is) changes[uuid] = is;
        });
        MonitorCondition from(before), to(after);
        SCOPED_TRACE(from.text() + " to " + to.text());
        std::map<Uuid, bool> matched, changed;
        from.for_each_match(view, table(), [&](const Uuid& uuid, const RowData& data) {
            EXPECT_TRUE(matched.emplace(uuid, true).second) << "twice";
            EXPECT_TRUE(from.matches(uuid, data));
        });
        EXPECT_EQ(matched, matches);
        MonitorCondition::for_each_change(from, to, view, table(),
                                          [&](const Uuid& uuid, const RowData&, bool is) {
                                              EXPECT_TRUE(changed.emplace(uuid, is).second) << "twice";
                                          });
        EXPECT_EQ(changed, changes);
    }
}

}  // namespace
}  // namespace weft::ovsdb
