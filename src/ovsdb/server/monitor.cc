#include "ovsdb/server/monitor.h"

#include <fmt/format.h>

#include "json/text.h"
#include "ovsdb/data/datum_json.h"
#include "ovsdb/data/object_parser.h"
#include "ovsdb/data/set_ops.h"

namespace weft::ovsdb {

namespace {

void append_name(std::string& out, bool& first, std::string_view name) {
    out += first ? "\"" : ",\"";
    first = false;
    out += name;  // an <id>: nothing to escape
    out += "\":";
}

void append_value(std::string& out, const Uuid& uuid, const RowData& data, const ColumnSchema& column) {
    if (column.index >= 0) {
        append_json(out, data[column.index]);
    } else {
        append_json(out, column_value(uuid, data, column));
    }
}

bool is_default(const RowData& data, const ColumnSchema& column) {
    return column.index >= 0 && data[column.index] == column.default_value;
}

// {column: value, …} of the columns selected by `bit`; `sparse` leaves out defaults.
void append_row(std::string& out, const Uuid& uuid, const RowData& data, const MonitoredTable& table,
                uint8_t bit, bool sparse) {
    out += '{';
    bool first = true;
    for (const MonitoredColumn& monitored : table.columns) {
        if (!(monitored.select & bit) || (sparse && is_default(data, *monitored.column))) continue;
        append_name(out, first, monitored.column->name);
        append_value(out, uuid, data, *monitored.column);
    }
    out += '}';
}

// "_version" differs whenever anything does; it alone is not a change that v1 reports.
bool column_changed(const RowChange& change, const ColumnSchema& column) {
    if (column.index == kUuidColumn) return false;
    if (column.index == kVersionColumn) return change.before->version() != change.after->version();
    return change.changed(column.index);
}

void append_uuid(std::string& out, const Uuid& uuid) {
    out += '"';
    uuid.append_to(out);
    out += "\":";
}

class TableWriter {
  public:
    TableWriter(std::string& out, bool& first_table) : out_(out), first_table_(first_table) {}
    ~TableWriter() {
        if (!first_row_) out_ += '}';
    }
    // Opens the table's object at its first row.
    void begin_row(const MonitoredTable& table, const Uuid& uuid) {
        if (first_row_) {
            append_name(out_, first_table_, table.table->name);
            out_ += '{';
        } else {
            out_ += ',';
        }
        first_row_ = false;
        append_uuid(out_, uuid);
    }

  private:
    std::string& out_;
    bool& first_table_;
    bool first_row_ = true;
};

}  // namespace

const MonitoredTable* MonitorSpec::find(const TableSchema& table) const {
    for (const MonitoredTable& monitored : tables_) {
        if (monitored.table == &table) return &monitored;
    }
    return nullptr;
}

std::string MonitorSpec::initial(const ToldView& view) const {
    // Many megabytes, and for the next client of a herd about as many: a text that grows is copied, and comes
    // to lie in new pages, again and again.
    static size_t expected = 0;
    std::string out;
    out.reserve(expected);
    out = "{";
    bool first_table = true;
    for (const MonitoredTable& table : tables_) {
        if (!(table.select & MonitoredTable::kInitial)) continue;
        TableWriter writer(out, first_table);
        bool v1 = version_ == MonitorVersion::kV1;
        const Table& rows = view.database().table(table.table->index);
        table.condition.for_each_match(view, rows, [&](const Uuid& uuid, const RowData& data) {
            writer.begin_row(table, uuid);
            out += v1 ? "{\"new\":" : "{\"initial\":";
            append_row(out, uuid, data, table, MonitoredTable::kInitial, !v1);
            out += '}';
        });
    }
    out += '}';
    expected = out.size() + out.size() / 16;
    return out;
}

bool MonitorSpec::append_v1(std::string& out, const MonitoredTable& table, const RowChange& change) const {
    if (!change.before) {
        if (!(table.select & MonitoredTable::kInsert)) return false;
        out += "{\"new\":";
        append_row(out, change.uuid, *change.after, table, MonitoredTable::kInsert, false);
        out += '}';
        return true;
    }
    if (!change.after) {
        if (!(table.select & MonitoredTable::kDelete)) return false;
        out += "{\"old\":";
        append_row(out, change.uuid, *change.before, table, MonitoredTable::kDelete, false);
        out += '}';
        return true;
    }
    std::string old_values;
    bool first = true;
    for (const MonitoredColumn& monitored : table.columns) {
        if (!(monitored.select & MonitoredTable::kModify) || !column_changed(change, *monitored.column))
            continue;
        append_name(old_values, first, monitored.column->name);
        append_value(old_values, change.uuid, *change.before, *monitored.column);
    }
    if (first) return false;
    out += "{\"old\":{";
    out += old_values;
    out += "},\"new\":";
    append_row(out, change.uuid, *change.after, table, MonitoredTable::kModify, false);
    out += '}';
    return true;
}

bool MonitorSpec::append_v2(std::string& out, const MonitoredTable& table, const RowChange& change) const {
    bool before = change.before && table.condition.matches(change.uuid, *change.before);
    bool after = change.after && table.condition.matches(change.uuid, *change.after);
    if (!before && !after) return false;
    if (!before) {
        if (!(table.select & MonitoredTable::kInsert)) return false;
        out += "{\"insert\":";
        append_row(out, change.uuid, *change.after, table, MonitoredTable::kInsert, true);
        out += '}';
        return true;
    }
    if (!after) {
        if (!(table.select & MonitoredTable::kDelete)) return false;
        out += "{\"delete\":null}";
        return true;
    }
    size_t start = out.size();
    out += "{\"modify\":{";
    bool first = true;
    for (const MonitoredColumn& monitored : table.columns) {
        const ColumnSchema& column = *monitored.column;
        if (!(monitored.select & MonitoredTable::kModify) || !column_changed(change, column)) continue;
        append_name(out, first, column.name);
        if (column.index >= 0) {
            append_json(
                out, column_diff(column.type, (*change.before)[column.index], (*change.after)[column.index]));
        } else {
            append_value(out, change.uuid, *change.after, column);
        }
    }
    if (first) {
        out.resize(start);
        return false;
    }
    out += "}}";
    return true;
}

std::string MonitorSpec::updates(const ChangeSet& changes) const {
    std::vector<TableRows> all;
    for (const TableChange& table : changes.tables) {
        TableRows& rows = all.emplace_back(TableRows{table.table, {}});
        rows.rows.reserve(table.rows.size());
        for (const RowChange& change : table.rows) rows.rows.push_back(&change);
    }
    return updates(all);
}

std::string MonitorSpec::updates(const std::vector<TableRows>& changes) const {
    std::string out = "{";
    bool first_table = true;
    std::string row;
    for (const TableRows& group : changes) {
        const MonitoredTable* table = find(*group.table);
        if (!table) continue;
        TableWriter writer(out, first_table);
        for (const RowChange* change : group.rows) {
            row.clear();
            bool any = version_ == MonitorVersion::kV1 ? append_v1(row, *table, *change)
                                                       : append_v2(row, *table, *change);
            if (!any) continue;
            writer.begin_row(*table, change->uuid);
            out += row;
        }
    }
    return out + "}";
}

DbResult<MonitorSpec> MonitorSpec::with_conditions(const json::Value& requests, const ToldView& view,
                                                   std::string& updates) const {
    const json::Object* tables = requests.as_object();
    if (!tables) return DbError("syntax error", "monitor-cond-change-requests must be object");
    MonitorSpec spec = *this;
    for (const auto& [name, json] : *tables) {
        const TableSchema* schema = view.database().schema().find_table(name);
        if (!schema) return DbError("syntax error", fmt::format("no table named {}", name));
        const MonitoredTable* known = schema ? find(*schema) : nullptr;
        if (!known) return DbError("syntax error", fmt::format("no table named {} in monitor session", name));
        MonitoredTable& table = spec.tables_[static_cast<size_t>(known - tables_.data())];
        const json::Array* list = json.as_array();
        if (!list)
            return DbError("syntax error", fmt::format("table {} no monitor-cond-change JSON array", name));
        for (const json::Value& request : *list) {
            ObjectParser parser(request, fmt::format("table {}", name));
            const json::Value* columns = parser.optional("columns", ObjectParser::kArray);
            const json::Value* where =
                parser.optional("where", ObjectParser::kArray | ObjectParser::kBoolean);
            if (auto finished = parser.finish(); !finished) return finished.error();
            if (columns) return syntax_error(request, "changing columns is unsupported");
            if (!where) continue;
            Condition condition;
            if (const bool* constant = where->as_bool()) {
                condition.clauses.push_back({*constant ? Function::kTrue : Function::kFalse, nullptr, {}});
            } else if (auto parsed = Condition::from_json(*schema, *where); parsed) {
                condition = *std::move(parsed);
            } else {
                return parsed.error();
            }
            table.condition = MonitorCondition(std::move(condition));
        }
    }
    updates = "{";
    bool first_table = true;
    for (size_t i = 0; i < tables_.size(); ++i) {
        const MonitoredTable& table = tables_[i];
        const MonitorCondition& after = spec.tables_[i].condition;
        if (table.condition.text() == after.text()) continue;
        TableWriter writer(updates, first_table);
        const Table& rows = view.database().table(table.table->index);
        auto tell = [&](const Uuid& uuid, const RowData& data, bool is) {
            if (!(table.select & (is ? MonitoredTable::kInsert : MonitoredTable::kDelete))) return;
            writer.begin_row(table, uuid);
            if (is) {
                updates += "{\"insert\":";
                append_row(updates, uuid, data, table, MonitoredTable::kInsert, true);
                updates += '}';
            } else {
                updates += "{\"delete\":null}";
            }
        };
        MonitorCondition::for_each_change(table.condition, after, view, rows, tell);
    }
    updates += '}';
    return spec;
}

}  // namespace weft::ovsdb
