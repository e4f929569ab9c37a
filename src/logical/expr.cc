#include "logical/expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>

#include "base/append.h"

namespace weft::logical {

namespace {

Relop negate(Relop relop) {
    switch (relop) {
        case Relop::kEqual:
            return Relop::kNotEqual;
        case Relop::kNotEqual:
            return Relop::kEqual;
        case Relop::kLess:
            return Relop::kGreaterEqual;
        case Relop::kLessEqual:
            return Relop::kGreater;
        case Relop::kGreater:
            return Relop::kLessEqual;
        case Relop::kGreaterEqual:
            return Relop::kLess;
    }
    return relop;
}

// CONSTANT relop FIELD, said as FIELD relop CONSTANT.
Relop mirror(Relop relop) {
    switch (relop) {
        case Relop::kLess:
            return Relop::kGreater;
        case Relop::kLessEqual:
            return Relop::kGreaterEqual;
        case Relop::kGreater:
            return Relop::kLess;
        case Relop::kGreaterEqual:
            return Relop::kLessEqual;
        default:
            return relop;
    }
}

const char* relop_text(Relop relop) {
    switch (relop) {
        case Relop::kEqual:
            return "==";
        case Relop::kNotEqual:
            return "!=";
        case Relop::kLess:
            return "<";
        case Relop::kLessEqual:
            return "<=";
        case Relop::kGreater:
            return ">";
        case Relop::kGreaterEqual:
            return ">=";
    }
    return "?";
}

std::optional<Relop> relop_of(TokenType type) {
    switch (type) {
        case TokenType::kEqual:
            return Relop::kEqual;
        case TokenType::kNotEqual:
            return Relop::kNotEqual;
        case TokenType::kLess:
            return Relop::kLess;
        case TokenType::kLessEqual:
            return Relop::kLessEqual;
        case TokenType::kGreater:
            return Relop::kGreater;
        case TokenType::kGreaterEqual:
            return Relop::kGreaterEqual;
        default:
            return std::nullopt;
    }
}

bool is_equality(Relop relop) {
    return relop == Relop::kEqual || relop == Relop::kNotEqual;
}

// Recursive descent.  `negated` is whether an odd number of `!` encloses what is parsed: negation is pushed
// down at once, so that trees have none.
class Parser {
  public:
    Parser(Lexer& lexer, const SymbolTable& symbols, const SetLookup* sets)
        : lexer_(lexer), symbols_(symbols), sets_(sets) {}

    Result<Expr> parse(bool negated);

  private:
    static constexpr int kMaxDepth = 100;

    struct Operand {
        bool is_field = false;
        FieldRef field;
        std::vector<Constant> constants;
        bool in_braces = false;
        bool is_set() const { return in_braces || constants.size() != 1; }
    };

    Result<Expr> parse_not(bool negated);
    Result<Expr> parse_primary(bool negated);
    Result<Expr> parse_resident(bool negated);
    Result<Expr> parse_comparison(bool negated);
    Result<Operand> parse_operand();
    Result<void> parse_constant(std::vector<Constant>& constants);
    Result<Expr> bare_field(const FieldRef& field, bool negated);
    Result<Expr> make_comparison(const FieldRef& field, Relop relop, const Operand& constants, bool negated);
    Result<Expr> compare_one(const FieldRef& field, Relop relop, const Constant& constant);
    Result<void> check(const FieldRef& field, Relop relop, const Operand& constants, bool negated);

    Lexer& lexer_;
    const SymbolTable& symbols_;
    const SetLookup* sets_;
    int depth_ = 0;
};

Result<Expr> Parser::parse(bool negated) {
    if (++depth_ > kMaxDepth) return Error{"Parentheses nested too deeply."};
    WEFT_ASSIGN(Expr expr, parse_not(negated));
    TokenType type = lexer_.type();
    if (type == TokenType::kAnd || type == TokenType::kOr) {
        bool is_and = (type == TokenType::kAnd) != negated;
        while (lexer_.match(type)) {
            WEFT_ASSIGN(Expr right, parse_not(negated));
            expr =
                Expr::combine(is_and ? Expr::Type::kAnd : Expr::Type::kOr, std::move(expr), std::move(right));
        }
        if (lexer_.type() == TokenType::kAnd || lexer_.type() == TokenType::kOr) {
            return Error{"&& and || must be parenthesized when used together."};
        }
    }
    --depth_;
    return expr;
}

Result<Expr> Parser::parse_not(bool negated) {
    if (lexer_.type() == TokenType::kNot) {
        if (++depth_ > kMaxDepth) return Error{"`!' nested too deeply."};
        lexer_.next();
        WEFT_ASSIGN(Expr expr, parse_not(!negated));
        --depth_;
        return expr;
    }
    return parse_primary(negated);
}

Result<Expr> Parser::parse_primary(bool negated) {
    if (lexer_.match(TokenType::kLeftParen)) {
        WEFT_ASSIGN(Expr expr, parse(negated));
        WEFT_TRY(lexer_.expect(TokenType::kRightParen, "`)'"));
        return expr;
    }
    if (lexer_.type() == TokenType::kId) {
        if (lexer_.token().text == "is_chassis_resident") return parse_resident(negated);
        WEFT_ASSIGN(FieldRef field, parse_field(lexer_, symbols_));
        std::optional<Relop> relop = relop_of(lexer_.type());
        if (!relop) return bare_field(field, negated);
        lexer_.next();
        WEFT_ASSIGN(Operand constants, parse_operand());
        if (constants.is_field) return lexer_.syntax_error("expecting constant");
        return make_comparison(field, *relop, constants, negated);
    }
    return parse_comparison(negated);
}

Result<Expr> Parser::parse_resident(bool negated) {
    lexer_.next();
    WEFT_TRY(lexer_.expect(TokenType::kLeftParen, "`('"));
    if (lexer_.type() != TokenType::kConstant || !lexer_.token().constant.is_string) {
        return lexer_.syntax_error("expecting string");
    }
    Expr expr = Expr::resident(lexer_.token().constant.text, !negated);
    lexer_.next();
    WEFT_TRY(lexer_.expect(TokenType::kRightParen, "`)'"));
    return expr;
}

// What begins with constants: 0, 1, CONSTANT relop FIELD, CONSTANT relop FIELD relop CONSTANT.
Result<Expr> Parser::parse_comparison(bool negated) {
    WEFT_ASSIGN(Operand left, parse_operand());
    std::optional<Relop> relop = relop_of(lexer_.type());
    if (!relop) {
        const Constant* only = left.constants.size() == 1 && !left.in_braces ? &left.constants[0] : nullptr;
        if (only && !only->is_string && !only->masked && only->format == Format::kDecimal &&
            only->value <= 1) {
            return Expr::boolean((only->value == 1) != negated);
        }
        return lexer_.syntax_error("expecting relational operator");
    }
    lexer_.next();
    WEFT_ASSIGN(FieldRef field, parse_field(lexer_, symbols_));
    std::optional<Relop> second = relop_of(lexer_.type());
    if (!second) return make_comparison(field, mirror(*relop), left, negated);

    lexer_.next();
    WEFT_ASSIGN(Operand right, parse_operand());
    bool up = (*relop == Relop::kLess || *relop == Relop::kLessEqual) &&
              (*second == Relop::kLess || *second == Relop::kLessEqual);
    bool down = (*relop == Relop::kGreater || *relop == Relop::kGreaterEqual) &&
                (*second == Relop::kGreater || *second == Relop::kGreaterEqual);
    if (right.is_field || (!up && !down)) {
        return Error{
            "Range expressions must have the form `x < field < y' or `x > field > y', with each `<' "
            "optionally replaced by `<=' or `>' by `>='."};
    }
    WEFT_ASSIGN(Expr low, make_comparison(field, mirror(*relop), left, negated));
    WEFT_ASSIGN(Expr high, make_comparison(field, *second, right, negated));
    return Expr::combine(negated ? Expr::Type::kOr : Expr::Type::kAnd, std::move(low), std::move(high));
}

Result<Parser::Operand> Parser::parse_operand() {
    Operand operand;
    if (lexer_.type() == TokenType::kId) {
        WEFT_ASSIGN(operand.field, parse_field(lexer_, symbols_));
        operand.is_field = true;
        return operand;
    }
    if (!lexer_.match(TokenType::kLeftBrace)) {
        WEFT_TRY(parse_constant(operand.constants));
        return operand;
    }
    operand.in_braces = true;
    while (!lexer_.match(TokenType::kRightBrace)) {
        WEFT_TRY(parse_constant(operand.constants));
        lexer_.match(TokenType::kComma);
        if (lexer_.type() == TokenType::kEnd) return lexer_.syntax_error("expecting `}'");
    }
    for (const Constant& constant : operand.constants) {
        if (constant.is_string != operand.constants[0].is_string) {
            return lexer_.syntax_error("expecting constants of one type in `{...}'");
        }
    }
    return operand;
}

Result<void> Parser::parse_constant(std::vector<Constant>& constants) {
    const Token& token = lexer_.token();
    if (token.type == TokenType::kConstant) {
        constants.push_back(token.constant);
    } else if (token.type == TokenType::kAddressSet) {
        if (!sets_ || !sets_->address_set(token.text, constants)) {
            return lexer_.syntax_error("expecting address set name");
        }
    } else if (token.type == TokenType::kPortGroup) {
        std::vector<std::string> members;
        if (!sets_ || !sets_->port_group(token.text, members)) {
            return lexer_.syntax_error("expecting port group name");
        }
        for (const std::string& member : members) constants.push_back(make_string(member));
    } else {
        return lexer_.syntax_error("expecting constant");
    }
    lexer_.next();
    return {};
}

Result<Expr> Parser::bare_field(const FieldRef& field, bool negated) {
    if (field.width != 1) {
        std::string name;
        print_field(field, name);
        return Error{field.width
                         ? fmt::format("{} field {} is {}-bits wide; it must be compared with a constant, "
                                       "as in {} != 0.",
                                       "Integer", name, field.width, name)
                         : fmt::format("String field {} is not allowed where a Boolean is required.", name)};
    }
    Operand one;
    one.constants.push_back(make_integer(1));
    return make_comparison(field, Relop::kEqual, one, negated);
}

Result<void> Parser::check(const FieldRef& field, Relop relop, const Operand& constants, bool negated) {
    const Symbol& symbol = *field.symbol;
    std::string name;
    print_field(field, name);
    if (!is_equality(relop)) {
        if (symbol.is_string())
            return Error{fmt::format("Only == and != operators may be used with string field {}.", name)};
        if (symbol.level != Level::kOrdinal) {
            return Error{fmt::format("Only == and != operators may be used with {} field {}.",
                                     symbol.level == Level::kNominal ? "nominal" : "Boolean", name)};
        }
        if (constants.is_set()) {
            return Error{"Only == and != operators may be used to compare a field against a set of values."};
        }
    }
    bool positive = (relop == Relop::kEqual) != negated;
    if (symbol.level == Level::kNominal && !positive && is_equality(relop)) {
        return Error{
            fmt::format("Nominal field {} may only be tested for equality (taking enclosing `!' operators "
                        "into account).",
                        name)};
    }
    for (const Constant& constant : constants.constants) {
        if (constant.is_string != symbol.is_string()) {
            return Error{fmt::format("{} field {} is not compatible with {} constant.",
                                     symbol.is_string() ? "String" : "Integer", name,
                                     constant.is_string ? "string" : "integer")};
        }
        if (constant.is_string) continue;
        if (constant.masked && !is_equality(relop)) {
            return Error{
                "Only == and != operators may be used with masked constants.  Consider using subfields "
                "instead (e.g. eth.src[0..15] > 0x1111 in place of eth.src > "
                "00:00:00:00:11:11/00:00:00:00:ff:ff)."};
        }
        unsigned width = bit_length(constant.masked ? constant.value | constant.mask : constant.value);
        if (width > field.width) {
            return Error{fmt::format("{}-bit constant is not compatible with {}-bit field {}.", width,
                                     field.width, name)};
        }
        if (symbol.is_predicate() && constant.masked) {
            return Error{fmt::format("Predicate {} may not be compared with a masked constant.", name)};
        }
    }
    return {};
}

Result<Expr> Parser::compare_one(const FieldRef& field, Relop relop, const Constant& constant) {
    if (constant.is_string) return Expr::compare(field.symbol, relop, constant.text);
    U128 bits = low_bits(field.width);
    U128 mask = constant.masked ? constant.mask & bits : bits;
    Expr expr = Expr::compare(field.symbol, relop, constant.value << field.offset, mask << field.offset);
    expr.format = constant.format;
    return expr;
}

Result<Expr> Parser::make_comparison(const FieldRef& field, Relop relop, const Operand& constants,
                                     bool negated) {
    WEFT_TRY(check(field, relop, constants, negated));
    Relop effective = negated ? negate(relop) : relop;
    // == over a set is a disjunction, != a conjunction.
    bool any = effective == Relop::kEqual;
    if (constants.constants.empty()) return Expr::boolean(!any);
    if (constants.constants.size() == 1) return compare_one(field, effective, constants.constants[0]);
    Expr expr;
    expr.type = any ? Expr::Type::kOr : Expr::Type::kAnd;
    expr.children.reserve(constants.constants.size());
    for (const Constant& constant : constants.constants) {
        WEFT_ASSIGN(Expr child, compare_one(field, effective, constant));
        expr.children.push_back(std::move(child));
    }
    return expr;
}

void print_compare(const Expr& expr, std::string& out) {
    if (expr.symbol->is_string()) {
        append(out, "{} {} ", expr.symbol->name, relop_text(expr.relop));
        return print_quoted(expr.text, out);
    }
    unsigned offset = expr.mask ? trailing_zeros(expr.mask) : 0;
    unsigned width = bit_length(expr.mask) - offset;
    bool contiguous = expr.mask == low_bits(width) << offset;
    FieldRef field{expr.symbol, offset, width};
    if (!expr.mask) contiguous = false;
    if (!contiguous) field = {expr.symbol, 0, expr.symbol->width};
    if (field.width == 1 && is_equality(expr.relop)) {
        bool one = (expr.value != 0) == (expr.relop == Relop::kEqual);
        if (!one) out += '!';
        return print_field(field, out);
    }
    print_field(field, out);
    append(out, " {} ", relop_text(expr.relop));
    Constant constant = make_integer(expr.value >> field.offset, expr.format);
    if (!contiguous) {
        constant.masked = true;
        constant.mask = expr.mask;
    } else if (!field.whole() && expr.format != Format::kDecimal) {
        constant.format = Format::kHex;
    }
    print_constant(constant, out);
}

void print_expr(const Expr& expr, bool nested, std::string& out) {
    switch (expr.type) {
        case Expr::Type::kBoolean:
            out += expr.truth ? '1' : '0';
            return;
        case Expr::Type::kCompare:
            return print_compare(expr, out);
        case Expr::Type::kResident:
            if (!expr.truth) out += '!';
            out += "is_chassis_resident(";
            print_quoted(expr.text, out);
            out += ')';
            return;
        case Expr::Type::kAnd:
        case Expr::Type::kOr:
            break;
    }
    if (nested) out += '(';
    for (size_t i = 0; i < expr.children.size(); ++i) {
        if (i) out += expr.type == Expr::Type::kAnd ? " && " : " || ";
        print_expr(expr.children[i], true, out);
    }
    if (nested) out += ')';
}

}  // namespace

Expr Expr::boolean(bool truth) {
    Expr expr;
    expr.truth = truth;
    return expr;
}

Expr Expr::compare(const Symbol* symbol, Relop relop, U128 value, U128 mask) {
    Expr expr;
    expr.type = Type::kCompare;
    expr.symbol = symbol;
    expr.relop = relop;
    expr.value = value;
    expr.mask = mask;
    return expr;
}

Expr Expr::compare(const Symbol* symbol, Relop relop, std::string_view text) {
    Expr expr = compare(symbol, relop, 0, 0);
    expr.text = text;
    return expr;
}

Expr Expr::resident(std::string_view port, bool truth) {
    Expr expr;
    expr.type = Type::kResident;
    expr.truth = truth;
    expr.text = port;
    return expr;
}

Expr Expr::combine(Type type, Expr a, Expr b) {
    assert(type == Type::kAnd || type == Type::kOr);
    Expr expr;
    expr.type = type;
    if (a.type == type) {
        expr.children = std::move(a.children);
    } else {
        expr.children.push_back(std::move(a));
    }
    if (b.type == type) {
        std::move(b.children.begin(), b.children.end(), std::back_inserter(expr.children));
    } else {
        expr.children.push_back(std::move(b));
    }
    return expr;
}

Result<FieldRef> parse_field(Lexer& lexer, const SymbolTable& symbols) {
    if (lexer.type() != TokenType::kId) return lexer.syntax_error("expecting field name");
    const Symbol* symbol = symbols.find(lexer.token().text);
    if (!symbol) return lexer.syntax_error("expecting field name");
    lexer.next();
    FieldRef field{symbol, 0, symbol->width};
    if (!lexer.match(TokenType::kLeftBracket)) return field;

    if (symbol->is_string())
        return Error{fmt::format("Cannot select subfield of string field {}.", symbol->name)};
    if (symbol->level == Level::kNominal) {
        return Error{fmt::format("Cannot select subfield of nominal field {}.", symbol->name)};
    }
    if (symbol->is_predicate())
        return Error{fmt::format("Cannot select bits of predicate {}.", symbol->name)};
    auto index = [&]() -> Result<unsigned> {
        const Token& token = lexer.token();
        if (token.type != TokenType::kConstant || token.constant.is_string || token.constant.masked ||
            token.constant.format != Format::kDecimal || token.constant.value > 127) {
            return lexer.syntax_error("expecting small integer");
        }
        unsigned value = static_cast<unsigned>(token.constant.value);
        lexer.next();
        return value;
    };
    WEFT_ASSIGN(unsigned low, index());
    unsigned high = low;
    if (lexer.match(TokenType::kEllipsis)) {
        WEFT_ASSIGN(high, index());
    }
    WEFT_TRY(lexer.expect(TokenType::kRightBracket, "`]'"));
    if (low > high) return Error{fmt::format("Invalid bit range {} to {}.", low, high)};
    if (high >= symbol->width) {
        return Error{fmt::format("Cannot select bits {} to {} of {}-bit field {}.", low, high, symbol->width,
                                 symbol->name)};
    }
    return FieldRef{symbol, low, high - low + 1};
}

void print_field(const FieldRef& field, std::string& out) {
    out += field.symbol->name;
    if (field.width == 0 || field.whole()) return;
    if (field.width == 1) {
        append(out, "[{}]", field.offset);
    } else {
        append(out, "[{}..{}]", field.offset, field.offset + field.width - 1);
    }
}

Result<Expr> parse_expr(Lexer& lexer, const SymbolTable& symbols, const SetLookup* sets) {
    return Parser(lexer, symbols, sets).parse(false);
}

Result<Expr> parse_expr(std::string_view text, const SymbolTable& symbols, const SetLookup* sets) {
    Lexer lexer(text);
    WEFT_ASSIGN(Expr expr, parse_expr(lexer, symbols, sets));
    if (lexer.type() != TokenType::kEnd) return lexer.syntax_error("expecting end of input");
    return expr;
}

void mentioned_sets(std::string_view text, std::vector<std::string>& address_sets,
                    std::vector<std::string>& port_groups) {
    if (text.find_first_of("$@") == std::string_view::npos) return;
    for (Lexer lexer(text); lexer.type() != TokenType::kEnd && lexer.type() != TokenType::kError;
         lexer.next()) {
        if (lexer.type() == TokenType::kAddressSet) address_sets.push_back(lexer.token().text);
        if (lexer.type() == TokenType::kPortGroup) port_groups.push_back(lexer.token().text);
    }
}

std::string to_string(const Expr& expr) {
    std::string out;
    print_expr(expr, false, out);
    return out;
}

}  // namespace weft::logical
