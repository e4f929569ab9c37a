// Reading <monitor-requests>.

#include <fmt/format.h>

#include <algorithm>

#include "ovsdb/data/object_parser.h"
#include "ovsdb/server/monitor.h"

namespace weft::ovsdb {

namespace {

DbResult<uint8_t> parse_select(const json::Value* json, const TableSchema& table) {
    uint8_t select = MonitoredTable::kInitial | MonitoredTable::kInsert | MonitoredTable::kDelete |
                     MonitoredTable::kModify;
    if (!json) return select;
    ObjectParser parser(*json, fmt::format("table {} select", table.name));
    auto flag = [&](const char* name, uint8_t bit) {
        const json::Value* value = parser.optional(name, ObjectParser::kBoolean);
        if (value && !*value->as_bool()) select = static_cast<uint8_t>(select & ~bit);
    };
    flag("initial", MonitoredTable::kInitial);
    flag("insert", MonitoredTable::kInsert);
    flag("delete", MonitoredTable::kDelete);
    flag("modify", MonitoredTable::kModify);
    if (auto finished = parser.finish(); !finished) return finished.error();
    return select;
}

// One <monitor-request> adds columns to `out` and clauses to `condition`.
DbResult<void> parse_request(MonitoredTable& out, Condition& condition, const json::Value& json,
                             bool conditions) {
    ObjectParser parser(json, fmt::format("table {}", out.table->name));
    const json::Value* columns = parser.optional("columns", ObjectParser::kArray);
    const json::Value* select_json = parser.optional("select", ObjectParser::kObject);
    const json::Value* where =
        conditions ? parser.optional("where", ObjectParser::kArray | ObjectParser::kBoolean) : nullptr;
    if (auto finished = parser.finish(); !finished) return finished;
    auto select = parse_select(select_json, *out.table);
    if (!select) return select.error();
    std::vector<const ColumnSchema*> wanted;
    if (columns) {
        for (const json::Value& name : *columns->as_array()) {
            const std::string* text = name.as_string();
            if (!text) return syntax_error(*columns, "array of column names expected");
            const ColumnSchema* column = out.table->find_column(*text);
            if (!column) return syntax_error(*columns, fmt::format("{} is not a valid column name", *text));
            wanted.push_back(column);
        }
    } else {
        for (const ColumnSchema& column : out.table->columns) wanted.push_back(&column);
        wanted.push_back(&TableSchema::version_column());
    }
    for (const ColumnSchema* column : wanted) {
        auto same = [&](const MonitoredColumn& other) { return other.column == column; };
        if (std::any_of(out.columns.begin(), out.columns.end(), same)) {
            return syntax_error(columns ? *columns : json,
                                fmt::format("column {} mentioned more than once", column->name));
        }
        out.columns.push_back({column, *select});
    }
    out.select |= *select;
    if (!where) {
        // It asks for every row, whatever other requests for the table ask.
        if (conditions) condition.clauses.push_back({Function::kTrue, nullptr, {}});
        return {};
    }
    if (const bool* constant = where->as_bool()) {
        condition.clauses.push_back({*constant ? Function::kTrue : Function::kFalse, nullptr, {}});
        return {};
    }
    auto parsed = Condition::from_json(*out.table, *where);
    if (!parsed) return parsed.error();
    for (Clause& clause : parsed->clauses) condition.clauses.push_back(std::move(clause));
    return {};
}

}  // namespace

DbResult<MonitorSpec> MonitorSpec::parse(MonitorVersion version, const DatabaseSchema& schema,
                                         const json::Value& requests) {
    MonitorSpec spec;
    spec.version_ = version;
    const json::Object* tables = requests.as_object();
    if (!tables) return syntax_error(requests, "monitor-requests must be object");
    bool conditions = version != MonitorVersion::kV1;
    for (const auto& [name, json] : *tables) {
        const TableSchema* table = schema.find_table(name);
        if (!table) return DbError("syntax error", fmt::format("no table named {}", name));
        MonitoredTable monitored{table, {}, 0, {}};
        Condition condition;
        if (const json::Array* list = json.as_array()) {
            for (const json::Value& request : *list) {
                if (auto parsed = parse_request(monitored, condition, request, conditions); !parsed)
                    return parsed.error();
            }
        } else if (auto parsed = parse_request(monitored, condition, json, conditions); !parsed) {
            return parsed.error();
        }
        monitored.condition = MonitorCondition(std::move(condition));
        std::sort(monitored.columns.begin(), monitored.columns.end(),
                  [](auto& a, auto& b) { return a.column->index < b.column->index; });
        spec.tables_.push_back(std::move(monitored));
    }
    std::sort(spec.tables_.begin(), spec.tables_.end(),
              [](auto& a, auto& b) { return a.table->index < b.table->index; });
    return spec;
}

std::string MonitorSpec::key() const {
    std::string key = fmt::format("{}", static_cast<int>(version_));
    for (const MonitoredTable& table : tables_) {
        key += fmt::format(";{}:", table.table->index);
        for (const MonitoredColumn& column : table.columns)
            key += fmt::format("{}/{},", column.column->index, column.select);
        key += table.condition.text();
    }
    return key;
}

}  // namespace weft::ovsdb
