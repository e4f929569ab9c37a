#include "ovsdb/data/set_ops.h"

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

}  // namespace

Datum set_union(const Datum& a, const Datum& b, bool replace) {
    if (b.empty()) return a;
    if (a.empty()) return b;
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
