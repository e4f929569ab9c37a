#include "logical/microflow.h"

#include <fmt/format.h>

#include "logical/match_set.h"

namespace weft::logical {

namespace {

// A name of a port that is not there must not make the expression false without a word.
const Expr* unknown_port(const Expr& expr, const PortLookup& ports) {
    if (expr.type == Expr::Type::kCompare && expr.symbol->is_string() &&
        !ports.port(*expr.symbol, expr.text)) {
        return &expr;
    }
    for (const Expr& child : expr.children) {
        if (const Expr* found = unknown_port(child, ports)) return found;
    }
    return nullptr;
}

}  // namespace

Result<packet::Flow> parse_microflow(std::string_view text, const SymbolTable& symbols, const SetLookup* sets,
                                     const PortLookup& ports) {
    WEFT_ASSIGN(Expr expr, parse_expr(text, symbols, sets));
    if (const Expr* unknown = unknown_port(expr, ports)) {
        return Error{
            fmt::format("{}: there is no logical port \"{}\"", unknown->symbol->name, unknown->text)};
    }
    WEFT_ASSIGN(Expr annotated, annotate(std::move(expr), symbols));
    std::string constraints = to_string(annotated);
    WEFT_ASSIGN(MatchSet set, to_match_set(resolve(simplify(std::move(annotated)), ports)));
    if (set.matches.empty()) return Error{"Constraints are contradictory."};
    const FlowMatch& match = set.matches[0];
    if (set.matches.size() > 1 || match.conj_id || !match.clauses.empty())
        return Error{fmt::format("Constraints are ambiguous: {}.", constraints)};
    openflow::Match out;
    match.tests.to_match(out);
    return out.value;
}

}  // namespace weft::logical
