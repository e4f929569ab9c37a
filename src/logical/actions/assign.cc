#include "logical/actions/assign.h"

#include <fmt/format.h>

#include "base/append.h"
#include "logical/actions/parser.h"

namespace weft::logical {

namespace {

std::string name_of(const FieldRef& field) {
    std::string name;
    print_field(field, name);
    return name;
}

// The checks of field() for a field that was parsed already: by its text, once more.
Result<void> use_field(ActionParser& parser, const FieldRef& field, bool writable) {
    WEFT_TRY(parser.check_field(field, writable));
    if (field.symbol->prerequisites.empty()) return {};
    return parser.require(field.symbol->prerequisites);
}

Result<void> same_type(const FieldRef& a, const FieldRef& b, const char* verb) {
    if ((a.width == 0) != (b.width == 0)) {
        return Error{fmt::format("Can't {} {} field ({}) {} {} field ({}).", verb,
                                 a.width ? "integer" : "string", name_of(a), *verb == 'e' ? "with" : "to",
                                 b.width ? "integer" : "string", name_of(b))};
    }
    if (a.width != b.width) {
        return Error{fmt::format("Cannot {} {}-bit field {} {} {}-bit field {}.", verb, a.width, name_of(a),
                                 *verb == 'e' ? "with" : "to", b.width, name_of(b))};
    }
    return {};
}

Result<ActionPtr> parse_load(ActionParser& parser, const FieldRef& left) {
    WEFT_ASSIGN(Constant value, parser.constant("constant"));
    if (left.symbol->is_ovn_field) {
        if (value.is_string || value.masked || value.value > low_bits(left.width)) {
            return Error{fmt::format("{} needs an integer of up to {} bits.", left.symbol->name, left.width)};
        }
        WEFT_TRY(parser.require(left.symbol->prerequisites));
        LoadOvnField load;
        load.dst = left.symbol;
        load.value = static_cast<uint32_t>(value.value);
        return make_action(load);
    }
    WEFT_TRY(use_field(parser, left, true));
    if (value.is_string != (left.width == 0)) {
        return Error{fmt::format("{} field {} is not compatible with {} constant.",
                                 left.width ? "Integer" : "String", name_of(left),
                                 value.is_string ? "string" : "integer")};
    }
    if (!value.is_string) {
        unsigned width = bit_length(value.masked ? value.value | value.mask : value.value);
        if (width > left.width) {
            return Error{fmt::format("{}-bit constant is not compatible with {}-bit field {}.", width,
                                     left.width, name_of(left))};
        }
        if (value.masked && left.symbol->level == Level::kNominal) {
            return Error{fmt::format("Field {} may only be modified as a whole.", left.symbol->name)};
        }
    }
    LoadConstant load;
    load.dst = left;
    load.value = std::move(value);
    return make_action(std::move(load));
}

void put_key(const FieldRef& dst, uint32_t key, openflow::ActionList& out) {
    put_set(field_bits(openflow::field_by_name(dst.symbol->field)->id), key, out);
}

}  // namespace

Result<ActionPtr> parse_assign(ActionParser& parser, const FieldRef& left) {
    Lexer& lexer = parser.lexer;
    if (lexer.match(TokenType::kExchange)) {
        WEFT_TRY(use_field(parser, left, true));
        WEFT_ASSIGN(FieldRef right, parser.field(true));
        WEFT_TRY(same_type(left, right, "exchange"));
        Exchange exchange;
        exchange.a = left;
        exchange.b = right;
        return make_action(exchange);
    }
    if (!lexer.match(TokenType::kAssign)) return lexer.syntax_error("expecting `=' or `<->'");
    if (lexer.type() != TokenType::kId) return parse_load(parser, left);
    if (const NamedResultAction* named = find_result_action(lexer.token().text)) {
        WEFT_TRY(use_field(parser, left, true));
        lexer.next();
        return named->parse(parser, left);
    }
    if (left.symbol->is_ovn_field)
        return Error{fmt::format("{} may only be set to a constant.", left.symbol->name)};
    WEFT_TRY(use_field(parser, left, true));
    WEFT_ASSIGN(FieldRef right, parser.field(false));
    WEFT_TRY(same_type(right, left, "assign"));
    MoveField move;
    move.dst = left;
    move.src = right;
    return make_action(move);
}

void LoadConstant::print(std::string& out) const {
    print_field(dst, out);
    out += " = ";
    print_constant(value, out);
    out += ';';
}

void LoadConstant::encode(const EncodeContext& context, openflow::ActionList& out) const {
    if (value.is_string) {
        std::optional<uint32_t> key;
        if (!value.text.empty()) key = context.environment->port(value.text);
        return put_key(dst, key.value_or(0), out);
    }
    put_set(dst, value.value, value.masked ? value.mask : low_bits(dst.width), out);
}

void LoadOvnField::print(std::string& out) const {
    append(out, "{} = {};", dst->name, value);
}

void LoadOvnField::encode(const EncodeContext&, openflow::ActionList& out) const {
    // A note to the controller among the nested actions of an error, in the form of a packet to it.
    bool ip4 = dst->width == 16;
    openflow::Controller controller;
    controller.pause = true;
    ByteWriter userdata =
        begin_userdata(ip4 ? ControllerOpcode::kPutIcmp4FragMtu : ControllerOpcode::kPutIcmp6FragMtu);
    if (ip4) {
        userdata.u16(static_cast<uint16_t>(value));
    } else {
        userdata.u32(value);
    }
    controller.userdata = userdata.take();
    out.push_back(openflow::Action(Boxed<openflow::Controller>(std::move(controller))));
}

void MoveField::print(std::string& out) const {
    print_field(dst, out);
    out += " = ";
    print_field(src, out);
    out += ';';
}

void MoveField::encode(const EncodeContext&, openflow::ActionList& out) const {
    put_move(to_subfield(src), to_subfield(dst), out);
}

void Exchange::print(std::string& out) const {
    print_field(a, out);
    out += " <-> ";
    print_field(b, out);
    out += ';';
}

void Exchange::encode(const EncodeContext&, openflow::ActionList& out) const {
    put_exchange(to_subfield(a), to_subfield(b), out);
}

Result<ActionPtr> parse_dec_ttl(ActionParser& parser) {
    parser.lexer.next();
    WEFT_TRY(parser.lexer.expect(TokenType::kDecrement, "`--'"));
    WEFT_TRY(parser.require("ip"));
    return make_action(DecTtl());
}

void DecTtl::print(std::string& out) const {
    out += "ip.ttl--;";
}

void DecTtl::encode(const EncodeContext&, openflow::ActionList& out) const {
    out.push_back(openflow::DecTtl{.controllers = std::vector<uint16_t>()});
}

Result<ActionPtr> parse_push(ActionParser& parser) {
    Push push;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(push.field, parser.field(false));
    WEFT_TRY(parser.right_paren());
    return make_action(push);
}

Result<ActionPtr> parse_pop(ActionParser& parser) {
    Pop pop;
    WEFT_TRY(parser.left_paren());
    WEFT_ASSIGN(pop.field, parser.field(true));
    WEFT_TRY(parser.right_paren());
    return make_action(pop);
}

void Push::print(std::string& out) const {
    out += "push(";
    print_field(field, out);
    out += ");";
}

void Push::encode(const EncodeContext&, openflow::ActionList& out) const {
    put_push(to_subfield(field), out);
}

void Pop::print(std::string& out) const {
    out += "pop(";
    print_field(field, out);
    out += ");";
}

void Pop::encode(const EncodeContext&, openflow::ActionList& out) const {
    put_pop(to_subfield(field), out);
}

}  // namespace weft::logical
