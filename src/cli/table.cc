#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/datum_text.h"

namespace weft::cli {
namespace {

size_t characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string first_characters(std::string_view text, size_t count) {
    size_t at = 0;
    for (size_t seen = 0; at < text.size(); at++) {
        if ((text[at] & 0xc0) != 0x80 && seen++ == count) break;
    }
    return std::string(text.substr(0, at));
}

// Cells padded to the width of their column; no line ends in spaces.
void append_padded(std::string& out, const std::vector<std::string>& cells,
                   const std::vector<size_t>& widths) {
    size_t start = out.size();
    for (size_t i = 0; i < cells.size(); i++) {
        if (i) out += ' ';
        out += cells[i];
        if (i + 1 < cells.size()) out.append(widths[i] - characters(cells[i]), ' ');
    }
    while (out.size() > start && out.back() == ' ') out.pop_back();
    out += '\n';
}

std::string html_escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// The UUIDs in a cell are links to the rows that they name, of which the first digits are shown.
std::string with_links(std::string_view text) {
    constexpr size_t kUuid = 36, kShown = 8;
    std::string out;
    size_t copied = 0;
    for (size_t at = 0; at + kUuid <= text.size();) {
        std::string_view uuid = text.substr(at, kUuid);
        if (!Uuid::parse(uuid)) {
            ++at;
            continue;
        }
        out += html_escaped(text.substr(copied, at - copied));
        out += fmt::format("<a href=\"#{}\">{}</a>", uuid, uuid.substr(0, kShown));
        at += kUuid;
        copied = at;
    }
    return out + html_escaped(text.substr(copied));
}

// What the links lead to.
std::string anchor(std::string_view text) {
    return fmt::format("<a name=\"{}\">{}</a>", html_escaped(text), html_escaped(text.substr(0, 8)));
}

// `cells` are HTML.
void append_html_row(std::string& out, const std::vector<std::string>& cells, const char* tag) {
    out += "  <tr>\n";
    for (const std::string& cell : cells) out += fmt::format("    <{}>{}</{}>\n", tag, cell, tag);
    out += "  </tr>\n";
}

void append_csv_row(std::string& out, const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); i++) {
        if (i) out += ',';
        if (cells[i].find_first_of("\n\",") == std::string::npos) {
            out += cells[i];
            continue;
        }
        out += '"';
        for (char c : cells[i]) {
            if (c == '"') out += '"';
            out += c;
        }
        out += '"';
    }
    out += '\n';
}

}  // namespace

Result<void> TableStyle::set_format(std::string_view name) {
    if (name == "table") {
        format = Format::kTable;
    } else if (name == "list") {
        format = Format::kList;
    } else if (name == "html") {
        format = Format::kHtml;
    } else if (name == "csv") {
        format = Format::kCsv;
    } else if (name == "json") {
        format = Format::kJson;
    } else {
        return Error{fmt::format("unknown output format \"{}\"", name)};
    }
    return {};
}

Result<void> TableStyle::set_cells(std::string_view name) {
    if (name == "string") {
        cells = Cells::kString;
    } else if (name == "bare") {
        cells = Cells::kBare;
    } else if (name == "json") {
        cells = Cells::kJson;
    } else {
        return Error{fmt::format("unknown data format \"{}\"", name)};
    }
    return {};
}

void TableStyle::set_bare() {
    format = Format::kList;
    cells = Cells::kBare;
    headings = false;
}

void TableStyle::add_to(OptionTable& options) {
    options.section("Output formatting options");
    options.add("format", 'f', "FORMAT", "Print tables as FORMAT: table, list, html, csv or json.",
                [this](std::string_view value) { return set_format(value); });
    options.add("data", 'd', "FORMAT", "Print values as FORMAT: string, bare or json.",
                [this](std::string_view value) { return set_cells(value); });
    options.add("no-headings", 0, "", "Leave out the headings of tables.", [this](std::string_view) {
        headings = false;
        return Result<void>();
    });
    options.add("pretty", 0, "", "Print JSON over several lines, for people.", [this](std::string_view) {
        pretty = true;
        return Result<void>();
    });
    options.add("bare", 0, "", "The same as --format=list --data=bare --no-headings.",
                [this](std::string_view) {
                    set_bare();
                    return Result<void>();
                });
    options.add("max-column-width", 0, "NUM", "Cut the columns of a table to NUM characters; 0 for no limit.",
                [this](std::string_view value) {
                    max_column_width = std::max(0, std::atoi(std::string(value).c_str()));
                    return Result<void>();
                });
}

void Table::add_cell(std::string text) {
    rows_.back().push_back({text, text, json::Value(text), false});
}

void Table::add_cell(const ovsdb::Datum& datum, const ovsdb::ColumnType& type) {
    Cell cell;
    cell.string = ovsdb::to_text(datum, type);
    ovsdb::append_bare(cell.bare, datum, type);
    cell.json = ovsdb::to_json(datum);
    rows_.back().push_back(std::move(cell));
}

void Table::add_cell(json::Value json) {
    json = json::with_sorted_members(json);
    std::string text = json::to_text(json);
    rows_.back().push_back({text, text, std::move(json), true});
}

std::string Table::cell_text(const Cell& cell, TableStyle::Cells cells) const {
    switch (cells) {
        case TableStyle::Cells::kString:
            return cell.string;
        case TableStyle::Cells::kBare:
            return cell.bare;
        case TableStyle::Cells::kJson:
            return cell.is_json ? cell.string : json::to_text(cell.json);
    }
    return {};
}

std::string Table::to_text(const TableStyle& style) const {
    switch (style.format) {
        case TableStyle::Format::kTable:
            return as_table(style);
        case TableStyle::Format::kList:
            return as_list(style);
        case TableStyle::Format::kHtml:
            return as_html(style);
        case TableStyle::Format::kCsv:
            return as_csv(style);
        case TableStyle::Format::kJson:
            return as_json(style);
    }
    return {};
}

std::string Table::as_table(const TableStyle& style) const {
    auto cut = [&](std::string text) {
        size_t limit = static_cast<size_t>(style.max_column_width);
        return limit && characters(text) > limit ? first_characters(text, limit) : text;
    };
    std::vector<std::string> headings;
    std::vector<size_t> widths;
    for (const std::string& heading : headings_) {
        headings.push_back(cut(heading));
        widths.push_back(style.headings ? characters(headings.back()) : 0);
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : rows_) {
        std::vector<std::string>& cells = rows.emplace_back();
        for (size_t i = 0; i < row.size(); i++) {
            cells.push_back(cut(cell_text(row[i], style.cells)));
            widths[i] = std::max(widths[i], characters(cells.back()));
        }
    }
    std::string out;
    if (!caption_.empty()) out += caption_ + '\n';
    if (style.headings) {
        append_padded(out, headings, widths);
        std::vector<std::string> dashes;
        for (size_t width : widths) dashes.emplace_back(width, '-');
        append_padded(out, dashes, widths);
    }
    for (const auto& cells : rows) append_padded(out, cells, widths);
    return out;
}

std::string Table::as_list(const TableStyle& style) const {
    std::string out;
    if (!caption_.empty()) out += caption_ + '\n';
    for (size_t i = 0; i < rows_.size(); i++) {
        if (i) out += '\n';
        for (size_t j = 0; j < rows_[i].size(); j++) {
            if (style.headings) out += fmt::format("{:<20}: ", headings_[j]);
            out += cell_text(rows_[i][j], style.cells) + '\n';
        }
    }
    return out;
}

std::string Table::as_html(const TableStyle& style) const {
    std::string out = "<table border=1>\n";
    if (!caption_.empty()) out += fmt::format("    <caption>{}</caption>\n", html_escaped(caption_));
    std::vector<std::string> headings;
    for (const std::string& heading : headings_) headings.push_back(html_escaped(heading));
    if (style.headings) append_html_row(out, headings, "th");
    for (const auto& row : rows_) {
        std::vector<std::string> cells;
        for (size_t i = 0; i < row.size(); ++i) {
            std::string text = cell_text(row[i], style.cells);
            cells.push_back(headings_[i] == "_uuid" ? anchor(text) : with_links(text));
        }
        append_html_row(out, cells, "td");
    }
    return out + "</table>\n";
}

std::string Table::as_csv(const TableStyle& style) const {
    std::string out;
    if (!caption_.empty()) out += caption_ + '\n';
    if (style.headings) append_csv_row(out, headings_);
    for (const auto& row : rows_) {
        std::vector<std::string> cells;
        for (const Cell& cell : row) cells.push_back(cell_text(cell, style.cells));
        append_csv_row(out, cells);
    }
    return out;
}

std::string Table::as_json(const TableStyle& style) const {
    json::Array headings(headings_.begin(), headings_.end());
    json::Array data;
    for (const auto& row : rows_) {
        json::Array cells;
        for (const Cell& cell : row) cells.push_back(cell.json);
        data.push_back(std::move(cells));
    }
    json::Object object;
    if (!caption_.empty()) object.add("caption", caption_);
    object.add("data", std::move(data));
    object.add("headings", std::move(headings));
    return json::to_text(object, style.pretty ? json::Style::kPretty : json::Style::kCompact) + '\n';
}

}  // namespace weft::cli
