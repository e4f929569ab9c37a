#include "ovsdb/server/column_name.h"

#include <fmt/format.h>

#include "ovsdb/server/server.h"

namespace weft::ovsdb {

Result<ColumnName> ColumnName::parse(std::string_view text) {
    size_t first = text.find(','),
           second = first == std::string_view::npos ? first : text.find(',', first + 1);
    if (!text.starts_with("db:") || second == std::string_view::npos) {
        return Error{fmt::format("\"{}\": invalid syntax (db:DATABASE,TABLE,COLUMN is right)", text)};
    }
    return ColumnName{std::string(text.substr(3, first - 3)),
                      std::string(text.substr(first + 1, second - first - 1)),
                      std::string(text.substr(second + 1))};
}

std::string ColumnName::text() const {
    return fmt::format("db:{},{},{}", database, table, column);
}

Result<FoundColumn> find_column(Server& server, const ColumnName& name) {
    auto fail = [&](std::string what) { return Error{fmt::format("\"{}\": {}", name.text(), what)}; };
    ServedDatabase* database = server.find_database(name.database);
    if (!database) return fail(fmt::format("no database named {}", name.database));
    Table* table = database->database().find_table(name.table);
    if (!table) return fail(fmt::format("no table named {}", name.table));
    const ColumnSchema* column = table->schema().find_column(name.column);
    if (!column || column->index < 0)
        return fail(fmt::format("table \"{}\" has no column \"{}\"", name.table, name.column));
    return FoundColumn{database, table, column};
}

bool awaits_schema(Server& server, const ColumnName& name) {
    const ServedDatabase* database = server.find_database(name.database);
    return database && !database->available() && database->database().schema().tables.empty();
}

Result<std::string> read_string_column(Server& server, const ColumnName& name) {
    if (awaits_schema(server, name)) return std::string();
    WEFT_ASSIGN(FoundColumn found, find_column(server, name));
    const ColumnSchema& column = *found.column;
    if (column.type.key.type != AtomType::kString || column.type.is_map()) {
        return Error{fmt::format("\"{}\": table \"{}\" column \"{}\" is not string or set of strings",
                                 name.text(), name.table, name.column)};
    }
    for (const Row* row : found.table->rows()) {
        const Datum& value = (*row->data)[column.index];
        for (uint32_t i = 0; i < value.size(); ++i) {
            if (!value.key(i).string().empty()) return std::string(value.key(i).string());
        }
    }
    return std::string();
}

}  // namespace weft::ovsdb
