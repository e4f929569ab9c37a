// Tables as the command-line tools print them: ovs-vsctl(8) "Table Formatting Options".
//
//     TableStyle style;
//     style.add_to(options);              // --format/-f --data/-d --no-headings --pretty --bare
//     --max-column-width Table table; table.add_column("name"); table.add_row(); table.add_cell(datum, type);
//     std::string text = table.to_text(style);
//
// Several tables printed one after the other are separated by an empty line: that is the caller's, who knows.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "json/value.h"
#include "ovsdb/data/datum.h"
#include "ovsdb/data/type.h"

namespace weft::cli {

struct TableStyle {
    enum class Format { kTable, kList, kHtml, kCsv, kJson };
    enum class Cells { kString, kBare, kJson };

    Format format = Format::kTable;
    Cells cells = Cells::kString;
    bool headings = true;
    bool pretty = false;       // of JSON
    int max_column_width = 0;  // of Format::kTable, in characters; 0: as wide as needed

    void add_to(OptionTable& options);
    Result<void> set_format(std::string_view name);  // "table", "list", …
    Result<void> set_cells(std::string_view name);   // "string", "bare", "json"
    void set_bare();
};

class Table {
  public:
    void set_caption(std::string caption) { caption_ = std::move(caption); }
    void add_column(std::string heading) { headings_.push_back(std::move(heading)); }
    void add_row() { rows_.emplace_back(); }
    void add_cell(std::string text);
    void add_cell(const ovsdb::Datum& datum, const ovsdb::ColumnType& type);
    void add_cell(json::Value json);  // printed as JSON text, whatever the style

    size_t columns() const { return headings_.size(); }
    size_t rows() const { return rows_.size(); }
    // Every line ends in a newline.
    std::string to_text(const TableStyle& style) const;

  private:
    struct Cell {
        std::string string, bare;
        json::Value json;
        bool is_json = false;
    };
    std::string cell_text(const Cell& cell, TableStyle::Cells cells) const;
    std::string as_table(const TableStyle& style) const;
    std::string as_list(const TableStyle& style) const;
    std::string as_html(const TableStyle& style) const;
    std::string as_csv(const TableStyle& style) const;
    std::string as_json(const TableStyle& style) const;

    std::string caption_;
    std::vector<std::string> headings_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace weft::cli
