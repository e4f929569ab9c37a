// Reads a row's text in the form that database files have, straight into values: most of the time that it
// takes to open a large database goes here.
//
// It knows the plain form only: no white space, strings of printable ASCII with the escapes of one
// letter, integers in digits, and values that fit their columns.  Whatever is different in any way, right or
// wrong, it leaves to the general reader (json/text.h, data/datum_json.h), which also says what is wrong.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ovsdb/data/schema.h"

namespace weft::ovsdb {

class PlainRowReader {
  public:
    // `sized` false: values may have more or fewer elements than their columns, as differences do.  False if
    // the text is not plain.
    bool read(const TableSchema& table, std::string_view text, bool sized);
    // What it read; to be moved from.
    std::vector<std::pair<const ColumnSchema*, Datum>>& values() { return values_; }

  private:
    class Text;

    const ColumnSchema* column(const TableSchema& table, std::string_view name);
    bool value(Text& text, const ColumnType& type, Datum& out);
    bool elements(Text& text, const ColumnType& type, Datum& out);
    bool atom(Text& text, const BaseType& type, AtomView& out);

    bool sized_ = true;
    std::vector<std::pair<const ColumnSchema*, Datum>> values_;
    std::vector<const ColumnSchema*>
        order_;  // of the members of the row before, each nullptr or a column of table_
    const TableSchema* table_ = nullptr;
    std::string unescaped_;    // the strings of the row that had escapes, one after the other
    std::vector<Uuid> uuids_;  // of the value being read; views point at them, so it never grows
};

}  // namespace weft::ovsdb
