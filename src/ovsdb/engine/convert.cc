#include "ovsdb/engine/convert.h"

#include "ovsdb/data/datum_json.h"
#include "ovsdb/engine/transaction.h"

namespace weft::ovsdb {

DbResult<std::unique_ptr<Database>> convert_database(const Database& from,
                                                     std::shared_ptr<const DatabaseSchema> schema) {
    auto database = std::make_unique<Database>(std::move(schema));
    Transaction transaction(*database);
    for (const auto& source : from.tables()) {
        Table* target = database->find_table(source->schema().name);
        if (!target) continue;
        for (const Row* row : source->rows()) {
            RowData& data = transaction.insert(*target, row->uuid);
            for (const ColumnSchema& column : target->schema().columns) {
                const ColumnSchema* old_column = source->schema().find_column(column.name);
                if (!old_column) continue;
                const Datum& value = (*row->data)[old_column->index];
                if (value == old_column->default_value && old_column->type == column.type) continue;
                if (old_column->type.key.type == column.type.key.type &&
                    old_column->type.value.type == column.type.value.type) {
                    if (auto checked = column.type.check(value); !checked) {
                        // The general way says it as a reader of the value would.
                        auto read = datum_from_json(column.type, to_json(value));
                        return read ? checked.error() : read.error();
                    }
                    data[column.index] = value;
                    continue;
                }
                auto converted = datum_from_json(column.type, to_json(value));
                if (!converted) return converted.error();
                data[column.index] = *std::move(converted);
            }
        }
    }
    auto changes = transaction.commit();
    if (!changes) return changes.error();
    return database;
}

}  // namespace weft::ovsdb
