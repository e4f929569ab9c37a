// Whom a change concerns: the groups of monitors that may see its rows.
//
// A thousand controllers have conditions of their own, and nearly every row is for one of them and for those
// who see whole tables.  To ask each condition about each row costs clients times rows: a thousand chassis
// that report make a million questions.  So the elements that conditions ask for ("==" and "includes",
// monitor_condition.h) are kept here by their hash, and a row's own elements name the groups.  Groups that
// must be asked, or see everything, are named for every row of the table.  Who is named may still not see
// the row: MonitorSpec::updates() decides.
//
// About 40 bytes for each element that is asked for.

#pragma once

#include <absl/container/inlined_vector.h>

#include <vector>

#include "base/hash_map.h"
#include "ovsdb/data/schema.h"
#include "ovsdb/engine/change_set.h"
#include "ovsdb/server/monitor.h"

namespace weft::ovsdb {

struct MonitorGroup;

class Audience {
  public:
    // Who is added stays where it is, as it is, until it is removed.
    void add(MonitorGroup& group);
    void remove(MonitorGroup& group);
    void clear() { tables_.clear(); }

    struct Hears {
        MonitorGroup* group;
        std::vector<TableRows> rows;  // that it may see; valid as long as the changes
    };
    std::vector<Hears> of(const ChangeSet& changes) const;

  private:
    using Groups = absl::InlinedVector<MonitorGroup*, 2>;
    struct ByElement {
        const ColumnSchema* column;
        HashMap<size_t, Groups> groups;  // by the element's hash
    };
    struct OfTable {
        std::vector<MonitorGroup*> always;
        std::vector<ByElement> columns;
    };

    HashMap<const TableSchema*, OfTable> tables_;
};

}  // namespace weft::ovsdb
