// Set algebra on datums, and the differences that update2 notifications and the log carry (ovsdb-server(7),
// 4.1.14): elements that are in one of the two only, and map pairs with the new value where values differ.

#pragma once

#include "ovsdb/data/datum.h"
#include "ovsdb/data/error.h"
#include "ovsdb/data/type.h"

namespace weft::ovsdb {

// a ∪ b; of pairs with the same key a's stays (as RFC 7047 5.1 "insert" of maps) unless `replace`.
Datum set_union(const Datum& a, const Datum& b, bool replace = false);
// a without the elements of b.  If b is a map, a pair goes only if the value is the same; if b is a set and a
// a map, pairs with those keys go.
Datum set_subtract(const Datum& a, const Datum& b);
// RFC 7047 5.1: "includes" and "excludes".
bool includes_all(const Datum& haystack, const Datum& needles);
bool excludes_all(const Datum& haystack, const Datum& needles);

Datum diff(const Datum& old_value, const Datum& new_value);
// The inverse: apply_diff(old, diff(old, new)) == new.
Datum apply_diff(const Datum& old_value, const Datum& difference);

// As the log and the monitors have them: a column that holds at most one element is given whole.
inline Datum column_diff(const ColumnType& type, const Datum& old_value, const Datum& new_value) {
    return type.max == 1 ? new_value : diff(old_value, new_value);
}
inline Datum apply_column_diff(const ColumnType& type, const Datum& old_value, const Datum& difference) {
    return type.max == 1 ? difference : apply_diff(old_value, difference);
}

}  // namespace weft::ovsdb
