// The text form of values that the command-line tools read and print: ovs-vsctl(8), "Database Values".
//
//     7   3.5   true   name   "quoted \"string\""   f81d4fae-7dec-11d0-a765-00a0c91e6bf6   @name
//     []   [a, b]   a,b   {}   {key=value, k2="v 2"}   1-5 (a range, in sets of integers)

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/symbol_table.h"
#include "ovsdb/data/type.h"

namespace weft::ovsdb {

// `symbols` (may be nullptr) takes @NAME.
Result<Atom> parse_atom_text(const BaseType& type, std::string_view text, SymbolTable* symbols = nullptr);
Result<Datum> parse_datum_text(const ColumnType& type, std::string_view text, SymbolTable* symbols = nullptr);

void append_text(std::string& out, const AtomView& atom);
void append_text(std::string& out, const Datum& datum, const ColumnType& type);
std::string to_text(const Datum& datum, const ColumnType& type);
// --data=bare: no punctuation, strings never quoted, elements separated by spaces.
void append_bare(std::string& out, const AtomView& atom);
void append_bare(std::string& out, const Datum& datum, const ColumnType& type);

// True if a string prints without quotes.
bool is_plain_string(std::string_view text);

// Takes one token from the front of `rest`: a quoted string with its quotes, or the characters up to one of
// ":=, []{}!<>" (a backslash takes the next character).  "" if there is none.  What ovs-vsctl's
// COLUMN[:KEY]=VALUE is read with.  An unterminated quoted string is an error.
Result<std::string> take_token(std::string_view& rest);

}  // namespace weft::ovsdb
