#include "ovsdb/data/set_ops.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

namespace weft::ovsdb {

namespace {

void add(DatumBuilder& out, const Datum& from, uint32_t i) {
    if (from.is_map()) {
        out.add(from.key(i), from.value(i));
    } else {
        out.add(from.key(i));
    }
}

// Walks two datums in key order: `visit(order, i, j)`, order < 0: a's element i alone, > 0: b's j alone, 0:
// both.
template <typename Visit>
void merge(const Datum& a, const Datum& b, Visit visit) {
    uint32_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        int order = i == a.size() ? 1 : j == b.size() ? -1 : a.key(i).compare(b.key(j));
        visit(order, i, j);
        if (order <= 0) ++i;
        if (order >= 0) ++j;
    }
}

bool are_uuid_sets(const Datum& a, const Datum& b) {
    return a.key_type() == AtomType::kUuid && !a.is_map() && b.key_type() == AtomType::kUuid && !b.is_map();
}

// `a` with what `b` says of single elements: large sets of references change by a few at a time, so what lies
// between those is copied in one piece.  An element of both stays if `keep`, one of b alone is added if
// `add`.
Datum edit_uuids(const Datum& a, const Datum& b, bool keep, bool add) {
    std::span<const Uuid> rest = a.uuids();
    std::vector<Uuid> out;
    out.reserve(a.size() + (add ? b.size() : 0));
    for (const Uuid& each : b.uuids()) {
        auto at = std::lower_bound(rest.begin(), rest.end(), each);
        out.insert(out.end(), rest.begin(), at);
        bool both = at != rest.end() && *at == each;
        if (both ? keep : add) out.push_back(each);
        rest = rest.subspan(static_cast<size_t>(at - rest.begin()) + both);
    }
    out.insert(out.end(), rest.begin(), rest.end());
    return Datum::of_sorted_uuids(out);
}

}  // namespace

Datum set_union(const Datum& a, const Datum& b, bool replace) {
    if (b.empty()) return a;
    if (a.empty()) return b;
    if (are_uuid_sets(a, b)) return edit_uuids(a, b, true, true);
    DatumBuilder out(a.key_type(), a.value_type());
    out.reserve(a.size() + b.size());
    merge(a, b, [&](int order, uint32_t i, uint32_t j) {
        if (order < 0 || (order == 0 && !replace)) {
            add(out, a, i);
        } else {
            add(out, b, j);
        }
    });
    return out.finish_sorted();
}

Datum set_subtract(const Datum& a, const Datum& b) {
    if (a.empty() || b.empty()) return a;
    if (are_uuid_sets(a, b)) return edit_uuids(a, b, false, false);
    DatumBuilder out(a.key_type(), a.value_type());
    out.reserve(a.size());
    merge(a, b, [&](int order, uint32_t i, uint32_t j) {
        if (order < 0 || (order == 0 && b.is_map() && !(a.value(i) == b.value(j)))) add(out, a, i);
    });
    return out.finish_sorted();
}

bool includes_all(const Datum& haystack, const Datum& needles) {
    for (uint32_t j = 0; j < needles.size(); ++j) {
        uint32_t i = haystack.find(needles.key(j));
        if (i == Datum::kNone) return false;
        if (needles.is_map() && !(haystack.value(i) == needles.value(j))) return false;
    }
    return true;
}

bool excludes_all(const Datum& haystack, const Datum& needles) {
    for (uint32_t j = 0; j < needles.size(); ++j) {
        uint32_t i = haystack.find(needles.key(j));
        if (i == Datum::kNone) continue;
        if (!needles.is_map() || haystack.value(i) == needles.value(j)) return false;
    }
    return true;
}

Datum diff(const Datum& old_value, const Datum& new_value) {
    if (are_uuid_sets(old_value, new_value)) {
        std::span<const Uuid> a = old_value.uuids(), b = new_value.uuids();
        std::vector<Uuid> out;
        std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
        return Datum::of_sorted_uuids(out);
    }
    DatumBuilder out(new_value.key_type(), new_value.value_type());
    merge(old_value, new_value, [&](int order, uint32_t i, uint32_t j) {
        if (order < 0) {
            add(out, old_value, i);
        } else if (order > 0) {
            add(out, new_value, j);
        } else if (new_value.is_map() && !(old_value.value(i) == new_value.value(j))) {
            add(out, new_value, j);
        }
    });
    return out.finish_sorted();
}

Datum apply_diff(const Datum& old_value, const Datum& difference) {
    if (are_uuid_sets(old_value, difference)) return edit_uuids(old_value, difference, false, true);
    DatumBuilder out(old_value.key_type(), old_value.value_type());
    merge(old_value, difference, [&](int order, uint32_t i, uint32_t j) {
        if (order < 0) {
            add(out, old_value, i);
        } else if (order > 0) {
            add(out, difference, j);
        } else if (difference.is_map() && !(old_value.value(i) == difference.value(j))) {
            add(out, difference, j);
        }
    });
    return out.finish_sorted();
}

}  // namespace weft::ovsdb
