#include "logical/actions/parser.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "logical/actions/assign.h"
#include "logical/actions/pipeline.h"

namespace weft::logical {

Result<void> ActionParser::check_field(const FieldRef& ref, bool writable) const {
    const Symbol& symbol = *ref.symbol;
    if (symbol.is_predicate()) {
        return Error{fmt::format("Predicate symbol {} used where lvalue required.", symbol.name)};
    }
    if (writable) {
        bool outport = symbol.name == "outport" && context.pipeline == Pipeline::kEgress && depth_ == 0;
        if (!symbol.writable || outport)
            return Error{fmt::format("Field {} is not modifiable.", symbol.name)};
        if (symbol.level == Level::kNominal && !ref.whole()) {
            return Error{fmt::format("Field {} may only be modified as a whole.", symbol.name)};
        }
    }
    return {};
}

Result<FieldRef> ActionParser::field(bool writable) {
    WEFT_ASSIGN(FieldRef ref, parse_field(lexer, *context.symbols));
    WEFT_TRY(check_field(ref, writable));
    if (depth_ == 0) {
        WEFT_ASSIGN(Expr needs, prerequisites_of(*ref.symbol, *context.symbols));
        if (!needs.is_boolean(true)) {
            prerequisites_ = Expr::combine(Expr::Type::kAnd, std::move(prerequisites_), std::move(needs));
        }
    }
    return ref;
}

Result<FieldRef> ActionParser::field_of_width(unsigned width, const char* what) {
    WEFT_ASSIGN(FieldRef ref, field(false));
    if (ref.width == width) return ref;
    std::string name;
    print_field(ref, name);
    if (width == 0)
        return Error{fmt::format("Cannot use {}-bit numeric field {} where string is required as {}.",
                                 ref.width, name, what)};
    if (ref.width == 0)
        return Error{
            fmt::format("Cannot use string field {} where {}-bit numeric field is required "
                        "as {}.",
                        name, width, what)};
    return Error{fmt::format("Cannot use {}-bit field {} where {}-bit field is required as {}.", ref.width,
                             name, width, what)};
}

// What an action needs, in the standard symbols, is one of a few texts of ours: each is read once.
static Result<Expr> needed(std::string_view prerequisite, const SymbolTable& symbols) {
    const bool standard = &symbols == &SymbolTable::standard();
    static thread_local std::map<std::string, Expr, std::less<>> kept;
    if (standard) {
        if (auto it = kept.find(prerequisite); it != kept.end()) return it->second;
    }
    WEFT_ASSIGN(Expr expr, parse_expr(prerequisite, symbols, nullptr));
    WEFT_ASSIGN(Expr annotated, annotate(std::move(expr), symbols));
    if (standard) kept.emplace(prerequisite, annotated);
    return annotated;
}

Result<void> ActionParser::require(std::string_view prerequisite) {
    if (depth_ > 0) return {};
    WEFT_ASSIGN(Expr annotated, needed(prerequisite, *context.symbols));
    prerequisites_ = Expr::combine(Expr::Type::kAnd, std::move(prerequisites_), std::move(annotated));
    return {};
}

Result<void> ActionParser::check_result(const FieldRef& result) {
    std::string name;
    print_field(result, name);
    if (result.width == 1 && result.symbol->writable) return {};
    return Error{fmt::format("Cannot store the result in {}: a modifiable 1-bit field is required.", name)};
}

Result<uint64_t> ActionParser::integer(uint64_t limit, const char* what) {
    const Token& token = lexer.token();
    if (token.type != TokenType::kConstant || token.constant.is_string || token.constant.masked ||
        (token.constant.format != Format::kDecimal && token.constant.format != Format::kHex)) {
        return lexer.syntax_error(fmt::format("expecting {}", what));
    }
    if (token.constant.value > limit) {
        return lexer.syntax_error(fmt::format("expecting {}, which is at most {}", what, limit));
    }
    uint64_t value = low64(token.constant.value);
    lexer.next();
    return value;
}

Result<std::string> ActionParser::string(const char* what) {
    const Token& token = lexer.token();
    if (token.type != TokenType::kConstant || !token.constant.is_string) {
        return lexer.syntax_error(fmt::format("expecting {}", what));
    }
    std::string text = token.constant.text;
    lexer.next();
    return text;
}

Result<Constant> ActionParser::constant(const char* what) {
    if (lexer.type() != TokenType::kConstant) return lexer.syntax_error(fmt::format("expecting {}", what));
    Constant value = lexer.token().constant;
    lexer.next();
    return value;
}

Result<std::vector<Constant>> ActionParser::constants(const char* what) {
    std::vector<Constant> values;
    if (!lexer.match(TokenType::kLeftBrace)) {
        WEFT_ASSIGN(Constant one, constant(what));
        values.push_back(std::move(one));
        return values;
    }
    while (!lexer.match(TokenType::kRightBrace)) {
        WEFT_ASSIGN(Constant one, constant(what));
        values.push_back(std::move(one));
        lexer.match(TokenType::kComma);
    }
    return values;
}

bool ActionParser::key(std::string_view name) {
    if (lexer.type() != TokenType::kId || lexer.token().text != name || lexer.peek() != TokenType::kAssign)
        return false;
    lexer.next();
    lexer.next();
    return true;
}

Result<Actions> ActionParser::block() {
    static constexpr int kMaxDepth = 8;
    if (depth_ >= kMaxDepth) return Error{fmt::format("Actions nested more than {} levels deep.", kMaxDepth)};
    WEFT_TRY(lexer.expect(TokenType::kLeftBrace, "`{'"));
    ++depth_;
    Actions actions;
    WEFT_TRY(parse_list(actions, true));
    --depth_;
    return actions;
}

Result<ActionPtr> ActionParser::parse_assignment() {
    WEFT_ASSIGN(FieldRef left, parse_field(lexer, *context.symbols));
    return parse_assign(*this, left);
}

Result<ActionPtr> ActionParser::parse_one() {
    if (lexer.type() != TokenType::kId) return lexer.syntax_error("expecting action");
    TokenType after = lexer.peek();
    if (after == TokenType::kAssign || after == TokenType::kExchange || after == TokenType::kLeftBracket) {
        return parse_assignment();
    }
    if (lexer.token().text == "ip.ttl") return parse_dec_ttl(*this);
    const NamedAction* named = find_action(lexer.token().text);
    if (!named) return lexer.syntax_error("expecting action");
    lexer.next();
    return named->parse(*this);
}

Result<void> ActionParser::parse_list(Actions& actions, bool nested) {
    TokenType end = nested ? TokenType::kRightBrace : TokenType::kEnd;
    bool dropped = false;
    while (!lexer.match(end)) {
        if (lexer.type() == TokenType::kEnd) {
            if (!nested) return {};
            return lexer.syntax_error("expecting `}'");
        }
        if (dropped) return lexer.syntax_error("expecting end of actions after drop");
        if (lexer.type() == TokenType::kId && lexer.token().text == "drop") {
            if (!actions.empty()) return lexer.syntax_error("expecting action: drop must stand alone");
            dropped = true;
        }
        WEFT_ASSIGN(ActionPtr action, parse_one());
        actions.push_back(std::move(action));
        WEFT_TRY(lexer.expect(TokenType::kSemicolon, "`;'"));
        if (end == TokenType::kEnd && lexer.type() == TokenType::kEnd) return {};
    }
    return {};
}

Result<ActionProgram> ActionParser::parse_program() {
    ActionProgram program;
    if (lexer.type() == TokenType::kEnd) {
        program.prerequisites = Expr::boolean(true);
        program.actions.push_back(make_action(Drop{}));
        return program;
    }
    WEFT_TRY(parse_list(program.actions, false));
    program.prerequisites = std::move(prerequisites_);
    return program;
}

Result<ActionProgram> parse_actions(std::string_view text, const ActionParseContext& context) {
    return ActionParser(text, context).parse_program();
}

void print_actions(const Actions& actions, std::string& out) {
    for (size_t i = 0; i < actions.size(); ++i) {
        if (i) out += ' ';
        actions[i]->print(out);
    }
}

std::string to_string(const ActionProgram& program) {
    std::string out;
    print_actions(program.actions, out);
    return out;
}

void encode_actions(const Actions& actions, const EncodeContext& context, openflow::ActionList& out) {
    for (const ActionPtr& action : actions) action->encode(context, out);
}

}  // namespace weft::logical
