#include "ovsdb/client/table_info.h"

#include "base/hash_map.h"
#include "ovsdb/data/schema.h"

namespace weft::ovsdb::client {

const ColumnInfo* TableInfo::find_column(std::string_view column) const {
    for (const ColumnInfo& each : columns) {
        if (column == each.name) return &each;
    }
    return nullptr;
}

const TableInfo* DatabaseInfo::find_table(std::string_view table) const {
    for (const TableInfo* each : tables) {
        if (table == each->name) return each;
    }
    return nullptr;
}

const DatabaseSchema& DatabaseInfo::schema() const {
    static HashMap<const DatabaseInfo*, std::shared_ptr<const DatabaseSchema>> cache;
    std::shared_ptr<const DatabaseSchema>& schema = cache[this];
    if (!schema) {
        auto parsed = DatabaseSchema::parse(schema_text);
        assert(parsed && "generated schemas are valid");
        schema = *std::move(parsed);
    }
    return *schema;
}

}  // namespace weft::ovsdb::client
