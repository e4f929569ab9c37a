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
    WEFT_ASSIGN(MatchSet set, to_match_set(resolve(simplify(std::move(annotated)), ports)));
    for (const FlowMatch& match : set.matches) {
        if (match.conj_id || !match.clauses.empty()) continue;
        openflow::Match out;
        match.tests.to_match(out);
        return out.value;
    }
    if (set.matches.empty()) return Error{"the expression contradicts itself: no packet is like that"};
    return Error{"the expression describes many packets; each field needs one value"};
}

}  // namespace weft::logical
