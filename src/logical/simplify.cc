// Expressions reduced to tests of bits for equality.

#include <algorithm>
#include <cassert>
#include <iterator>

#include "logical/expr.h"

namespace weft::logical {

namespace {

// An expression that is true if the comparison is, as a disjunction of comparisons that exclude each other:
// each agrees with `value` on all compared bits above one, and there has the other value.  Such tests nest or
// are disjoint, so that conjunctions of several (ranges, != of sets) stay small.
//
// `take` chooses the bits where leaving `value` makes the relation true.
template <typename F>
Expr first_difference(const Expr& expr, bool or_equal, F&& take) {
    Expr out;
    out.type = Expr::Type::kOr;
    U128 above = 0;  // compared bits handled so far
    for (unsigned i = bit_length(expr.mask); i-- > 0;) {
        U128 bit = static_cast<U128>(1) << i;
        if (!(expr.mask & bit)) continue;
        if (take((expr.value & bit) != 0)) {
            Expr test = Expr::compare(expr.symbol, Relop::kEqual, (expr.value & above) | (~expr.value & bit),
                                      above | bit);
            test.format = expr.format;
            out.children.push_back(std::move(test));
        }
        above |= bit;
    }
    if (or_equal) {
        Expr equal = expr;
        equal.relop = Relop::kEqual;
        out.children.push_back(std::move(equal));
    }
    if (out.children.empty()) return Expr::boolean(false);
    if (out.children.size() == 1) return std::move(out.children[0]);
    return out;
}

Expr simplify_compare(Expr expr) {
    if (expr.symbol->is_string()) {
        // Of strings only equality is left by the parser's rule about nominal fields.
        assert(expr.relop == Relop::kEqual);
        return expr;
    }
    switch (expr.relop) {
        case Relop::kEqual:
            return expr;
        case Relop::kNotEqual:
            return first_difference(expr, false, [](bool) { return true; });
        case Relop::kLess:
            return first_difference(expr, false, [](bool one) { return one; });
        case Relop::kLessEqual:
            return first_difference(expr, true, [](bool one) { return one; });
        case Relop::kGreater:
            return first_difference(expr, false, [](bool one) { return !one; });
        case Relop::kGreaterEqual:
            return first_difference(expr, true, [](bool one) { return !one; });
    }
    return expr;
}

// x <= 65535, x >= 0: true of all.
bool is_always(const Expr& expr) {
    if (expr.type != Expr::Type::kCompare || expr.symbol->is_string()) return false;
    return (expr.relop == Relop::kLessEqual && expr.value == expr.mask) ||
           (expr.relop == Relop::kGreaterEqual && expr.value == 0);
}

// A set of values, as an address set is: it may have thousands, of which none has to be looked at.
bool is_simple_set(const Expr& expr) {
    return expr.type == Expr::Type::kOr &&
           std::all_of(expr.children.begin(), expr.children.end(), [](const Expr& child) {
               return child.type == Expr::Type::kCompare && child.relop == Relop::kEqual;
           });
}

}  // namespace

Expr simplify(Expr expr) {
    if (is_simple_set(expr)) return expr;
    switch (expr.type) {
        case Expr::Type::kBoolean:
        case Expr::Type::kResident:
            return expr;
        case Expr::Type::kCompare:
            return is_always(expr) ? Expr::boolean(true) : simplify_compare(std::move(expr));
        case Expr::Type::kAnd:
        case Expr::Type::kOr:
            break;
    }
    bool is_and = expr.type == Expr::Type::kAnd;
    Expr out;
    out.type = expr.type;
    out.children.reserve(expr.children.size());
    for (Expr& child : expr.children) {
        Expr simple = simplify(std::move(child));
        if (simple.is_boolean(!is_and)) return simple;
        if (simple.is_boolean(is_and)) continue;
        if (simple.type == out.type) {
            std::move(simple.children.begin(), simple.children.end(), std::back_inserter(out.children));
        } else {
            out.children.push_back(std::move(simple));
        }
    }
    if (out.children.empty()) return Expr::boolean(is_and);
    if (out.children.size() == 1) {
        Expr only = std::move(out.children[0]);
        return only;
    }
    return out;
}

}  // namespace weft::logical
