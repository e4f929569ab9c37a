// The prerequisites and predicates of an expression made explicit.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/hash_map.h"
#include "logical/expr.h"

namespace weft::logical {

namespace {

// Symbols being expanded, outermost first: a symbol that needs itself would have no meaning.
struct Nesting {
    const Symbol* symbol;
    const Nesting* outer;
};

Result<Expr> annotate_nested(Expr expr, const SymbolTable& symbols, const Nesting* nesting);

// What a symbol of the language stands for and needs does not change, and nearly every logical flow asks for
// some: it is made once for each thread.  Only what has a meaning is kept, so it does not matter within which
// other symbols it is asked for.
struct Expansions {
    std::optional<Expr> needs, when_true, when_false;
};
// Where to keep it; of other tables than the standard one, which do not live for ever, `unkept`.
Expansions& expansions_of(const Symbol& symbol, const SymbolTable& symbols, Expansions& unkept) {
    if (&symbols != &SymbolTable::standard()) return unkept;
    static thread_local HashMap<const Symbol*, std::unique_ptr<Expansions>> kept;
    std::unique_ptr<Expansions>& found = kept[&symbol];
    if (!found) found = std::make_unique<Expansions>();
    return *found;
}

bool mentions_nominal(const Expr& expr, const SymbolTable& symbols) {
    if (expr.type == Expr::Type::kCompare) {
        if (expr.symbol->is_predicate()) {
            Result<Expr> expansion = parse_expr(expr.symbol->predicate, symbols, nullptr);
            return expansion.ok() && mentions_nominal(*expansion, symbols);
        }
        return expr.symbol->level == Level::kNominal;
    }
    return std::any_of(expr.children.begin(), expr.children.end(),
                       [&](const Expr& child) { return mentions_nominal(child, symbols); });
}

Result<Expr> parse_nested(const std::string& text, const Symbol& symbol, const SymbolTable& symbols,
                          const Nesting* nesting) {
    for (const Nesting* n = nesting; n; n = n->outer) {
        if (n->symbol == &symbol)
            return Error{fmt::format("Recursive expansion of symbol `{}'.", symbol.name)};
    }
    Result<Expr> expr = parse_expr(text, symbols, nullptr);
    if (!expr) {
        return Error{
            fmt::format("Error parsing expression `{}' encountered as prerequisite or predicate of "
                        "initial expression: {}",
                        text, expr.message())};
    }
    return expr;
}

Result<Expr> expand_predicate(const Symbol& symbol, bool positive, const SymbolTable& symbols,
                              const Nesting* nesting) {
    std::string text = positive ? symbol.predicate : "!(" + symbol.predicate + ")";
    Nesting here{&symbol, nesting};
    Result<Expr> expansion = parse_nested(text, symbol, symbols, nesting);
    if (!positive) {
        WEFT_ASSIGN(Expr plain, parse_nested(symbol.predicate, symbol, symbols, nesting));
        if (mentions_nominal(plain, symbols)) {
            return Error{
                fmt::format("Nominal predicate {0} may only be tested positively, e.g. `{0}' or `{0} == 1' "
                            "but not `!{0}' or `{0} == 0'.",
                            symbol.name)};
        }
    }
    WEFT_TRY(expansion);
    return annotate_nested(*std::move(expansion), symbols, &here);
}

Result<Expr> annotate_predicate(const Expr& expr, const SymbolTable& symbols, const Nesting* nesting) {
    const bool positive = (expr.value != 0) == (expr.relop == Relop::kEqual);
    Expansions unkept;
    Expansions& known = expansions_of(*expr.symbol, symbols, unkept);
    std::optional<Expr>& expansion = positive ? known.when_true : known.when_false;
    if (!expansion) {
        WEFT_ASSIGN(expansion, expand_predicate(*expr.symbol, positive, symbols, nesting));
    }
    return *expansion;
}

Result<Expr> annotated_needs(const Symbol& symbol, const SymbolTable& symbols, const Nesting* nesting) {
    Expansions unkept;
    Expansions& known = expansions_of(symbol, symbols, unkept);
    if (!known.needs) {
        Nesting here{&symbol, nesting};
        WEFT_ASSIGN(Expr needs, parse_nested(symbol.prerequisites, symbol, symbols, nesting));
        WEFT_ASSIGN(known.needs, annotate_nested(std::move(needs), symbols, &here));
    }
    return *known.needs;
}

Result<Expr> annotate_compare(Expr expr, const SymbolTable& symbols, const Nesting* nesting) {
    const Symbol& symbol = *expr.symbol;
    if (symbol.is_predicate()) return annotate_predicate(expr, symbols, nesting);
    if (symbol.is_ovn_field) {
        return Error{fmt::format("OVN field {} cannot be matched, only assigned.", symbol.name)};
    }
    if (symbol.prerequisites.empty()) return expr;
    WEFT_ASSIGN(Expr annotated, annotated_needs(symbol, symbols, nesting));
    return Expr::combine(Expr::Type::kAnd, std::move(expr), std::move(annotated));
}

// A disjunction of comparisons of one symbol (an address set) gets that symbol's prerequisites once.
bool is_set_of(const Expr& expr) {
    if (expr.type != Expr::Type::kOr && expr.type != Expr::Type::kAnd) return false;
    const Expr& first = expr.children[0];
    return std::all_of(expr.children.begin(), expr.children.end(), [&](const Expr& child) {
        return child.type == Expr::Type::kCompare && child.symbol == first.symbol &&
               !child.symbol->is_predicate();
    });
}

Result<Expr> annotate_nested(Expr expr, const SymbolTable& symbols, const Nesting* nesting) {
    switch (expr.type) {
        case Expr::Type::kBoolean:
        case Expr::Type::kResident:
            return expr;
        case Expr::Type::kCompare:
            return annotate_compare(std::move(expr), symbols, nesting);
        case Expr::Type::kAnd:
        case Expr::Type::kOr:
            break;
    }
    if (is_set_of(expr)) {
        const Symbol& symbol = *expr.children[0].symbol;
        if (symbol.is_ovn_field) return annotate_compare(expr.children[0], symbols, nesting);
        if (symbol.prerequisites.empty()) return expr;
        WEFT_ASSIGN(Expr annotated, annotated_needs(symbol, symbols, nesting));
        return Expr::combine(Expr::Type::kAnd, std::move(expr), std::move(annotated));
    }
    Expr out;
    out.type = expr.type;
    for (Expr& child : expr.children) {
        WEFT_ASSIGN(Expr annotated, annotate_nested(std::move(child), symbols, nesting));
        if (annotated.type == out.type) {
            std::move(annotated.children.begin(), annotated.children.end(), std::back_inserter(out.children));
        } else {
            out.children.push_back(std::move(annotated));
        }
    }
    return out;
}

}  // namespace

Result<Expr> annotate(Expr expr, const SymbolTable& symbols) {
    return annotate_nested(std::move(expr), symbols, nullptr);
}

Result<Expr> prerequisites_of(const Symbol& symbol, const SymbolTable& symbols) {
    if (symbol.prerequisites.empty()) return Expr::boolean(true);
    return annotated_needs(symbol, symbols, nullptr);
}

}  // namespace weft::logical
