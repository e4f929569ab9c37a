#include "logical/match_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <cassert>
#include <iterator>
#include <optional>

#include "base/hash_map.h"

namespace weft::logical {

namespace {

using FieldSet = std::bitset<openflow::kFieldCount>;

void add_fields(const Conjunct& conjunct, FieldSet& fields) {
    for (const FieldTest& test : conjunct.tests()) fields.set(static_cast<size_t>(test.field));
}

// A disjunction of tests of one symbol, or what is left of several such that test common fields.
struct Dimension {
    std::vector<Conjunct> members;
    FieldSet fields;
    bool must_crossproduct = false;
};

bool is_literal(const Expr& expr) {
    return expr.type == Expr::Type::kCompare;
}

void remove_duplicates(std::vector<Conjunct>& members) {
    if (members.size() < 2) return;
    HashSet<Conjunct> seen;
    seen.reserve(members.size());
    std::erase_if(members, [&](const Conjunct& member) { return !seen.insert(member).second; });
}

class Builder {
  public:
    explicit Builder(size_t limit) : limit_(limit) {}

    // Adds the matches of the conjunction of `terms`.
    void expand(std::vector<const Expr*> terms);
    bool too_many() const { return too_many_; }
    MatchSet take();

  private:
    bool as_dimension(const Expr& expr, Dimension& dimension) const;
    // The conjunctions of each of a with each of b that can be true.
    std::vector<Conjunct> multiply(const std::vector<Conjunct>& a, const std::vector<Conjunct>& b);
    void finish(Conjunct base, std::vector<Dimension> dimensions);
    void emit_products(const Conjunct& base, const std::vector<Dimension>& dimensions);
    void emit_conjunction(const Conjunct& base, const std::vector<Dimension>& dimensions);
    void emit(Conjunct tests, const FlowMatch::Clause* clause, uint32_t conj_id);
    void index();

    size_t limit_;
    bool too_many_ = false;
    MatchSet set_;
    // Matches by tests, into set_.matches: kept once there may be two of the same tests, which those of one
    // product are not.
    HashMap<Conjunct, size_t> plain_, clauses_;
    size_t products_ = 0;
    bool indexed_ = false;
};

bool Builder::as_dimension(const Expr& expr, Dimension& dimension) const {
    dimension.members.reserve(expr.children.size());
    for (const Expr& child : expr.children) {
        if (!is_literal(child) || child.symbol != expr.children[0].symbol) return false;
        Conjunct member;
        if (!member.add_comparison(child)) return false;
        add_fields(member, dimension.fields);
        dimension.must_crossproduct = dimension.must_crossproduct || child.symbol->must_crossproduct;
        dimension.members.push_back(std::move(member));
    }
    remove_duplicates(dimension.members);
    return true;
}

std::vector<Conjunct> Builder::multiply(const std::vector<Conjunct>& a, const std::vector<Conjunct>& b) {
    std::vector<Conjunct> out;
    out.reserve(std::max(a.size(), b.size()));
    for (const Conjunct& left : a) {
        for (const Conjunct& right : b) {
            Conjunct both = left;
            if (both.add(right)) out.push_back(std::move(both));
        }
        if (out.size() > limit_) {
            too_many_ = true;
            return {};
        }
    }
    remove_duplicates(out);
    return out;
}

void Builder::expand(std::vector<const Expr*> terms) {
    if (too_many_) return;
    static const Expr kTrue = Expr::boolean(true);
    Conjunct base;
    std::vector<Dimension> dimensions;
    for (size_t i = 0; i < terms.size(); ++i) {
        const Expr& term = *terms[i];
        Dimension dimension;
        if (is_literal(term)) {
            if (!base.add_comparison(term)) return;
        } else if (term.type == Expr::Type::kAnd) {
            for (const Expr& child : term.children) terms.push_back(&child);
            terms[i] = &kTrue;  // its children stand for it, in alternatives too
        } else if (term.type == Expr::Type::kBoolean) {
            if (!term.truth) return;
        } else if (as_dimension(term, dimension)) {
            dimensions.push_back(std::move(dimension));
        } else {
            // A disjunction of different things: each on its own, so that sets inside stay sets.
            for (const Expr& child : term.children) {
                std::vector<const Expr*> alternative(terms);
                alternative[i] = &child;
                expand(std::move(alternative));
            }
            return;
        }
    }
    finish(std::move(base), std::move(dimensions));
}

// Merges what tests the same fields, so that the dimensions left are independent of each other.
void Builder::finish(Conjunct base, std::vector<Dimension> dimensions) {
    for (size_t i = 0; i < dimensions.size(); ++i) {
        for (size_t j = i + 1; j < dimensions.size();) {
            if ((dimensions[i].fields & dimensions[j].fields).none()) {
                ++j;
                continue;
            }
            dimensions[i].members = multiply(dimensions[i].members, dimensions[j].members);
            dimensions[i].fields |= dimensions[j].fields;
            dimensions[i].must_crossproduct =
                dimensions[i].must_crossproduct || dimensions[j].must_crossproduct;
            dimensions.erase(dimensions.begin() + static_cast<ptrdiff_t>(j));
            j = i + 1;  // what was independent may not be of the merged one
        }
    }
    FieldSet base_fields;
    add_fields(base, base_fields);
    for (size_t i = 0; i < dimensions.size();) {
        Dimension& dimension = dimensions[i];
        // The members repeat the base's tests of their fields, which does no harm.
        if ((dimension.fields & base_fields).any()) dimension.members = multiply({base}, dimension.members);
        if (dimension.members.empty()) return;
        if (dimension.members.size() > 1) {
            ++i;
            continue;
        }
        Conjunct only = std::move(dimension.members[0]);
        dimensions.erase(dimensions.begin() + static_cast<ptrdiff_t>(i));
        if (!base.add(only)) return;
        add_fields(only, base_fields);
        i = 0;
    }
    for (size_t i = 0; i < dimensions.size(); ++i) {
        if (!dimensions[i].must_crossproduct) continue;
        Dimension crossed = std::move(dimensions[i]);
        dimensions.erase(dimensions.begin() + static_cast<ptrdiff_t>(i));
        for (const Conjunct& member : crossed.members) {
            Conjunct with = base;
            if (with.add(member)) finish(std::move(with), dimensions);
        }
        return;
    }
    size_t products = 1, sum = 1;
    for (const Dimension& dimension : dimensions) {
        products = std::min(products * dimension.members.size(), limit_ + 1);
        sum += dimension.members.size();
    }
    if (dimensions.size() < 2 || products <= sum) return emit_products(base, dimensions);
    emit_conjunction(base, dimensions);
}

void Builder::index() {
    if (std::exchange(indexed_, true)) return;
    for (size_t i = 0; i < set_.matches.size(); ++i) {
        const FlowMatch& match = set_.matches[i];
        if (!match.conj_id) (match.clauses.empty() ? plain_ : clauses_).try_emplace(match.tests, i);
    }
}

void Builder::emit_products(const Conjunct& base, const std::vector<Dimension>& dimensions) {
    if (++products_ > 1) index();
    std::vector<Conjunct> products{base};
    for (const Dimension& dimension : dimensions) products = multiply(products, dimension.members);
    for (Conjunct& product : products) emit(std::move(product), nullptr, 0);
}

// A member tests what no other dimension does, unless it is true of all packets.
void Builder::emit_conjunction(const Conjunct& base, const std::vector<Dimension>& dimensions) {
    auto tests_nothing = [](const Conjunct& member) { return member.tests().empty(); };
    const bool distinct = std::none_of(dimensions.begin(), dimensions.end(), [&](const Dimension& dimension) {
        return std::any_of(dimension.members.begin(), dimension.members.end(), tests_nothing);
    });
    if (++products_ > 1 || !distinct) index();
    FlowMatch::Clause clause;
    clause.conj_id = ++set_.conj_ids;
    clause.clauses = static_cast<uint8_t>(dimensions.size());
    for (size_t i = 0; i < dimensions.size(); ++i) {
        clause.clause = static_cast<uint8_t>(i);
        for (const Conjunct& member : dimensions[i].members) {
            Conjunct tests = base;
            if (tests.add(member)) emit(std::move(tests), &clause, 0);
        }
    }
    emit(base, nullptr, clause.conj_id);
}

void Builder::emit(Conjunct tests, const FlowMatch::Clause* clause, uint32_t conj_id) {
    if (set_.matches.size() >= limit_) too_many_ = true;
    if (too_many_) return;
    FlowMatch match;
    if (conj_id) {
        match.conj_id = conj_id;
    } else if (!indexed_) {
        if (clause) match.clauses.push_back(*clause);
    } else {
        auto [it, added] = (clause ? clauses_ : plain_).try_emplace(tests, set_.matches.size());
        if (!added) {
            if (clause) set_.matches[it->second].clauses.push_back(*clause);
            return;
        }
        if (clause) match.clauses.push_back(*clause);
    }
    match.tests = std::move(tests);
    set_.matches.push_back(std::move(match));
}

// A flow that matches outright makes the same match's clauses superfluous: the packet gets the actions
// anyway.
MatchSet Builder::take() {
    if (!clauses_.empty() && !plain_.empty()) {
        std::erase_if(set_.matches, [&](const FlowMatch& match) {
            return !match.clauses.empty() && plain_.contains(match.tests);
        });
    }
    return std::move(set_);
}

}  // namespace

Expr resolve(Expr expr, const PortLookup& ports) {
    switch (expr.type) {
        case Expr::Type::kBoolean:
            return expr;
        case Expr::Type::kResident:
            return Expr::boolean(ports.is_chassis_resident(expr.text) == expr.truth);
        case Expr::Type::kCompare: {
            if (!expr.symbol->is_string()) return expr;
            std::optional<uint32_t> key = ports.port(*expr.symbol, expr.text);
            if (!key) return Expr::boolean(false);
            expr.value = *key;
            expr.mask = 0xffffffff;
            return expr;
        }
        case Expr::Type::kAnd:
        case Expr::Type::kOr:
            break;
    }
    // Of numbers alone: as an address set is, which may have thousands of members.
    if (expr.children.size() > 1 &&
        std::all_of(expr.children.begin(), expr.children.end(),
                    [](const Expr& child) { return is_literal(child) && !child.symbol->is_string(); }))
        return expr;
    bool is_and = expr.type == Expr::Type::kAnd;
    std::vector<Expr> children;
    children.reserve(expr.children.size());
    for (Expr& child : expr.children) {
        Expr resolved = resolve(std::move(child), ports);
        if (resolved.is_boolean(!is_and)) return resolved;
        if (resolved.is_boolean(is_and)) continue;
        if (resolved.type == expr.type) {
            std::move(resolved.children.begin(), resolved.children.end(), std::back_inserter(children));
        } else {
            children.push_back(std::move(resolved));
        }
    }
    if (children.empty()) return Expr::boolean(is_and);
    if (children.size() == 1) {
        Expr only = std::move(children[0]);
        return only;
    }
    expr.children = std::move(children);
    return expr;
}

// Nearly all expressions are comparisons that must all be true: one match, or none if they exclude each
// other.
static std::optional<MatchSet> only_comparisons(const Expr& expr) {
    MatchSet set;
    FlowMatch match;
    if (is_literal(expr)) {
        if (!match.tests.add_comparison(expr)) return set;
    } else if (expr.type == Expr::Type::kAnd &&
               std::all_of(expr.children.begin(), expr.children.end(), is_literal)) {
        for (const Expr& child : expr.children) {
            if (!match.tests.add_comparison(child)) return set;
        }
    } else {
        return std::nullopt;
    }
    set.matches.push_back(std::move(match));
    return set;
}

Result<MatchSet> to_match_set(const Expr& expr, size_t limit) {
    if (limit) {
        if (std::optional<MatchSet> set = only_comparisons(expr)) return *std::move(set);
    }
    Builder builder(limit);
    if (!expr.is_boolean(false)) builder.expand({&expr});
    if (builder.too_many()) {
        return Error{fmt::format("expression multiplies out to more than {} OpenFlow matches", limit)};
    }
    return builder.take();
}

}  // namespace weft::logical
