// Match expressions of logical flows (ovn-sb(5), Logical_Flow, "match"): text to tree, the steps from what an
// operator writes to comparisons of bits, and back to text.
//
//     parse_expr    text → tree; sets and ranges become && and ||, $sets and @groups their members
//     annotate      each field's prerequisites are added, predicates become what they stand for
//     simplify      no !, only == on bits and strings, constants folded
//
// match_set.h turns a simplified tree into OpenFlow matches.  A tree is a value: copying copies it.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/u128.h"
#include "logical/constant.h"
#include "logical/lexer.h"
#include "logical/symbol.h"

namespace weft::logical {

enum class Relop : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

struct Expr {
    enum class Type : uint8_t {
        kBoolean,   // truth
        kCompare,   // symbol relop value/mask, or symbol relop text for strings
        kAnd,       // of ≥ 2 children, none of them kAnd
        kOr,        // of ≥ 2 children, none of them kOr
        kResident,  // is_chassis_resident("text"), negated unless `truth`
    };

    Type type = Type::kBoolean;
    bool truth = true;
    Relop relop = Relop::kEqual;
    const Symbol* symbol = nullptr;  // the symbol's own bits: value and mask are relative to it
    U128 value = 0, mask = 0;
    Format format = Format::kDecimal;  // how to print value
    std::string text;
    std::vector<Expr> children;

    static Expr boolean(bool truth);
    static Expr compare(const Symbol* symbol, Relop relop, U128 value, U128 mask);
    static Expr compare(const Symbol* symbol, Relop relop, std::string_view text);
    static Expr resident(std::string_view port, bool truth = true);
    // Joins two trees by kAnd or kOr, flattening.
    static Expr combine(Type type, Expr a, Expr b);

    bool is_boolean(bool value) const { return type == Type::kBoolean && truth == value; }
    bool operator==(const Expr&) const = default;
};

// What expressions name that lives in the database.  The implementer records what was asked for, to learn
// when an answer changes.
class SetLookup {
  public:
    virtual ~SetLookup() = default;
    // Appends the members of an address set / port group; false if there is none of that name.
    virtual bool address_set(std::string_view name, std::vector<Constant>& members) const = 0;
    virtual bool port_group(std::string_view name, std::vector<std::string>& members) const = 0;
};

// A field as written: a symbol and a range of its bits.
struct FieldRef {
    const Symbol* symbol = nullptr;
    unsigned offset = 0;
    unsigned width = 0;  // 0: a string

    bool whole() const { return offset == 0 && width == symbol->width; }
    bool operator==(const FieldRef&) const = default;
};

// With `sets` null every $set and @group is taken as unknown, which is an error.
Result<Expr> parse_expr(std::string_view text, const SymbolTable& symbols, const SetLookup* sets);
// As above, up to the first token that cannot belong to it.
Result<Expr> parse_expr(Lexer& lexer, const SymbolTable& symbols, const SetLookup* sets);
// symbol, symbol[4], symbol[0..7].
Result<FieldRef> parse_field(Lexer& lexer, const SymbolTable& symbols);
void print_field(const FieldRef& field, std::string& out);
// Whether the text mentions an address set or port group (without parsing it in full); their names are
// appended.
void mentioned_sets(std::string_view text, std::vector<std::string>& address_sets,
                    std::vector<std::string>& port_groups);

std::string to_string(const Expr& expr);

Result<Expr> annotate(Expr expr, const SymbolTable& symbols);
// Adds the prerequisites of one symbol (as actions need them for the fields they use).
Result<Expr> prerequisites_of(const Symbol& symbol, const SymbolTable& symbols);
Expr simplify(Expr expr);

// Where the walk of a tree needs to know names: kResident and string comparisons.
class PortLookup {
  public:
    virtual ~PortLookup() = default;
    // The tunnel key of a logical port or multicast group that `field` (inport, outport) is compared with;
    // nothing if there is none in this datapath, or if the field can never be that port here.
    virtual std::optional<uint32_t> port(const Symbol& field, std::string_view name) const = 0;
    virtual bool is_chassis_resident(std::string_view name) const = 0;
};

}  // namespace weft::logical
