// What the parsers of the single actions share.  Inside src/logical only.
//
// An action's parser is called with the lexer after the action's name (for assignments of a result, `R =
// name`, after the name too, with R in hand) and leaves it before the semicolon, which the caller takes.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "logical/action.h"
#include "logical/controller_opcode.h"

namespace weft::logical {

class ActionParser {
  public:
    ActionParser(std::string_view text, const ActionParseContext& context) : lexer(text), context(context) {}

    Result<ActionProgram> parse_program();

    Lexer lexer;
    const ActionParseContext& context;

    // A symbol or bits of it, whose prerequisites are added to the program's.  `writable`: it must be
    // modifiable.
    Result<FieldRef> field(bool writable);
    // Whether a field may be used here.  In the egress pipeline outport is fixed, but not that of a packet
    // that a block makes.
    Result<void> check_field(const FieldRef& ref, bool writable) const;
    // A field of exactly this width (0: a string).
    Result<FieldRef> field_of_width(unsigned width, const char* what);
    Result<void> require(std::string_view prerequisite);  // an expression, added to the prerequisites
    Result<void> check_result(const FieldRef& result);    // of R = …: one modifiable bit
    Result<uint64_t> integer(uint64_t limit, const char* what);
    Result<std::string> string(const char* what);
    Result<Constant> constant(const char* what);
    // One constant or {c, c, …}.
    Result<std::vector<Constant>> constants(const char* what);
    Result<void> left_paren() { return lexer.expect(TokenType::kLeftParen, "`('"); }
    Result<void> right_paren() { return lexer.expect(TokenType::kRightParen, "`)'"); }
    Result<void> comma() { return lexer.expect(TokenType::kComma, "`,'"); }
    Result<void> equals() { return lexer.expect(TokenType::kAssign, "`='"); }
    // `name` then `=`, if the current token is that name.
    bool key(std::string_view name);
    // { action; … }, the brackets included.  Inside, prerequisites are checked against the block's own
    // packet, so what they need is not added to the program's.
    Result<Actions> block();

  private:
    Result<void> parse_list(Actions& actions, bool nested);
    Result<ActionPtr> parse_one();
    Result<ActionPtr> parse_assignment();

    Expr prerequisites_ = Expr::boolean(true);
    int depth_ = 0;
};

using ParseAction = Result<ActionPtr> (*)(ActionParser&);
using ParseResultAction = Result<ActionPtr> (*)(ActionParser&, const FieldRef& result);
struct NamedAction {
    std::string_view name;
    ParseAction parse;
};
struct NamedResultAction {
    std::string_view name;
    ParseResultAction parse;
};
// The table of contents: dispatch.cc.
const NamedAction* find_action(std::string_view name);
const NamedResultAction* find_result_action(std::string_view name);

template <typename T>
ActionPtr make_action(T action) {
    return std::make_unique<const T>(std::move(action));
}

// Encoding.
void put_resubmit(uint8_t table, openflow::ActionList& out);
void put_set(const FieldRef& field, U128 value, U128 mask, openflow::ActionList& out);
void put_set(const openflow::Subfield& dst, U128 value, openflow::ActionList& out);
void put_flag(int bit, bool value, openflow::ActionList& out);
void put_move(const openflow::Subfield& src, const openflow::Subfield& dst, openflow::ActionList& out);
void put_push(const openflow::Subfield& field, openflow::ActionList& out);
void put_pop(const openflow::Subfield& field, openflow::ActionList& out);
// Exchanges, by way of the stack.
void put_exchange(const openflow::Subfield& a, const openflow::Subfield& b, openflow::ActionList& out);
openflow::Subfield field_bits(openflow::FieldId field);

// Userdata of packets to the controller: begins with the operation.
ByteWriter begin_userdata(ControllerOpcode opcode);
void put_controller(const EncodeContext& context, ByteWriter userdata, bool pause, openflow::ActionList& out);
// Where a result goes, for userdata of paused packets: the field's OXM header and its first bit.
void put_result_field(const FieldRef& result, ByteWriter& userdata);
// The conntrack zone of ports on switches; of routers.
openflow::FieldId zone_field(const EncodeContext& context);

// Arguments moved into the fields where a table or the controller expects them, restored afterwards.  An
// argument that is its field already costs nothing.
class Arguments {
  public:
    struct Move {
        openflow::Subfield src;
        openflow::FieldId dst;
    };
    explicit Arguments(std::vector<Move> moves) : moves_(std::move(moves)) {}
    void save(openflow::ActionList& out) const;
    void restore(openflow::ActionList& out) const;

  private:
    bool needed(const Move& move) const;
    std::vector<Move> moves_;
};

}  // namespace weft::logical
