// Any bytes as a schema: refused, or a schema that is the same when it is written and read again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/text.h"
#include "ovsdb/data/schema.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto schema = ovsdb::DatabaseSchema::parse({reinterpret_cast<const char*>(data), size});
    if (!schema) return 0;
    std::string text = json::to_text((*schema)->to_json());
    auto again = ovsdb::DatabaseSchema::parse(text);
    if (!again || !(**again == **schema) || json::to_text((*again)->to_json()) != text) std::abort();
    for (const ovsdb::TableSchema& table : (*schema)->tables) {
        for (const ovsdb::ColumnSchema& column : table.columns) {
            (void)column.type.check(column.default_value);
            (void)column.type.to_english();
        }
    }
    return 0;
}
